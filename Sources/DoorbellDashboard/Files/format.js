// Figures for people. Pure.

const plain = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export function count(value) {
  return value === null || value === undefined || Number.isNaN(value) ? '–' : plain.format(value);
}

/** A rate or any other small figure: as many digits as say something. */
export function figure(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size < 0.01) return String(Number(value.toPrecision(1)));
  if (size < 10) return String(Number(value.toFixed(size < 1 ? 2 : 1)));
  return plain.format(value);
}

/** Decimal units, as networks are measured and billed. */
export function bytes(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  let size = value;
  for (const unit of ['B', 'kB', 'MB', 'GB', 'TB']) {
    if (Math.abs(size) < 999.5 || unit === 'TB') return `${unit === 'B' ? plain.format(size) : figure(size)} ${unit}`;
    size /= 1000;
  }
}

/** Seconds. */
export function duration(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  if (value <= 0) return '0 ms';
  if (value < 0.001) return `${Math.max(1, Math.round(value * 1e6))} µs`;
  if (value < 1) return `${value < 0.01 ? (value * 1e3).toFixed(1) : Math.round(value * 1e3)} ms`;
  if (value < 100) return `${Number(value.toFixed(value < 10 ? 1 : 0))} s`;
  return age(value);
}

/** Seconds, in the two biggest units. */
export function age(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const whole = Math.max(0, Math.floor(value));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor(whole / 60) % 60} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor(whole / 3600) % 24} h`;
}

export function percent(value) {
  return value === null || value === undefined || !Number.isFinite(value) ? '–' : `${Number(value.toFixed(2))} %`;
}

/** A share of one. */
export function share(part, whole) {
  return whole > 0 ? percent(Number((100 * part / whole).toFixed(1))) : '–';
}

const two = (number) => String(number).padStart(2, '0');

/** Local time; seconds since 1970, a Date or RFC 3339. */
function moment(value) {
  return value instanceof Date ? value : new Date(typeof value === 'number' ? value * 1000 : value);
}

export function clock(value) {
  const time = moment(value);
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

export function shortClock(value) {
  const time = moment(value);
  return `${two(time.getHours())}:${two(time.getMinutes())}`;
}

export function dateTime(value) {
  if (!value) return '–';
  const time = moment(value);
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${clock(time)}`;
}

export function day(value) {
  const time = moment(value);
  return `${time.toLocaleDateString('en', { weekday: 'short' })} ${time.getDate()}`;
}

export function stage(name, share) {
  return name === 'canary' ? `canary ${percent(share)}` : name;
}
