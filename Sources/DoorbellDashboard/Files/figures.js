// What is made of the service's figures: series, rates, shares, differences. Pure.

export const paths = [
  ['poll', 'polling'], ['conditional', 'polling with a tag'], ['held', 'held polls'], ['push', 'push'],
];
export const maximumPoints = 300;

/** At most `limit` points: neighbours are averaged, so that a rate stays a rate. `null` is a gap and stays one. */
export function thin(points, limit = maximumPoints) {
  if (points.length <= limit) return points;
  const size = Math.ceil(points.length / limit);
  const thinned = [];
  for (let start = 0; start < points.length; start += size) {
    const group = points.slice(start, start + size);
    const known = group.filter(([, value]) => value !== null);
    const sum = known.reduce((total, [, value]) => total + value, 0);
    thinned.push([group[0][0], known.length ? sum / known.length : null]);
  }
  return thinned;
}

/** A figure of a report's points as rates a second, with zeros where nothing was counted: [[seconds, value] …]. */
export function rates(report, points, value) {
  const step = report.step;
  const known = new Map(points.map((point) => [Math.round((point.at - report.from) / step), value(point.total)]));
  // What is not over yet would look like a fall.
  const whole = Math.max(1, Math.floor((report.until - report.from) / step));
  const series = [];
  for (let index = 0; index < whole; index += 1) {
    series.push([report.from + index * step, (known.get(index) ?? 0) / step]);
  }
  return thin(series);
}

/** One series for each path of a report that has any points. */
export function pathSeries(report, value) {
  return paths.flatMap(([key, name]) => {
    const path = report.paths.find((each) => each.path === key);
    return path && path.points.length ? [{ key, name, points: rates(report, path.points, value) }] : [];
  });
}

/** Sums of the lines of a feature, by path. */
export function totals(lines, feature) {
  const sums = new Map();
  for (const line of lines) {
    if (feature && line.feature !== feature) continue;
    const sum = sums.get(line.path) ?? { requests: 0, unchanged: 0, errors: 0, bytes: 0, origin: 0, cpu: 0, told: 0, behind: 0, conflated: 0, resets: 0, closed: 0, waiting: 0, buckets: new Map() };
    sum.requests += line.total.requests;
    sum.unchanged += line.total.unchanged;
    sum.errors += line.total.errors;
    sum.bytes += line.total.bytesUp + line.total.bytesDown;
    sum.origin += line.total.originRequests;
    sum.cpu += line.total.cpuSeconds;
    sum.told += line.total.told;
    const { behind = 0, conflated = 0, resets = 0, closed = 0, waitingBytes = 0 } = line.total.buffers ?? {};
    sum.behind += behind;
    sum.conflated += conflated;
    sum.resets += resets;
    sum.closed += closed;
    sum.waiting = Math.max(sum.waiting, waitingBytes);
    for (const { upTo, count } of line.staleness) sum.buckets.set(upTo, (sum.buckets.get(upTo) ?? 0) + count);
    sums.set(line.path, sum);
  }
  return sums;
}

/** Of the told changes, the share (percent) that took at most so long: [[seconds, percent] …]. */
export function cumulative(buckets) {
  const sorted = [...buckets].sort(([a], [b]) => a - b);
  const whole = sorted.reduce((sum, [, count]) => sum + count, 0);
  let sum = 0;
  return sorted.map(([upTo, count]) => [upTo, 100 * (sum += count) / whole]);
}

/** Seconds within which `share` percent were told; `null` without any. */
export function percentile(buckets, share) {
  return cumulative(buckets).find(([, reached]) => reached >= share - 1e-9)?.[0] ?? null;
}

/** Rates between two looks at the status; `null` when the service was started anew, or one look is too old. */
export function between(before, after, longest = 30) {
  const seconds = (Date.parse(after.now) - Date.parse(before.now)) / 1000;
  if (before.started !== after.started || seconds <= 0 || seconds > longest) return null;
  return {
    messages: Math.max(0, after.messagesSent - before.messagesSent) / seconds,
    polls: Math.max(0, after.polls - before.polls) / seconds,
    bytes: Math.max(0, after.sentBytes - before.sentBytes) / seconds,
  };
}

/** What moving a feature would do, in sentences. */
export function consequences(feature, stage, share) {
  const said = {
    observe: ['Every client is told to poll, within a second. Doorbell goes on measuring.'],
    shadow: ['Every client is told to poll, within a second. Changes are captured and compared with what polls return; nobody is told anything.'],
    canary: [`${share} % of the clients, always the same ones, are told to use push. All others are told to poll.`],
    push: ['Every client that can is told to use push. The polled URL stays alive for those that cannot.'],
    retired: ['As push; and answers to polls say that polling is about to end. From the announced dates on polls may be refused, as the configuration says.'],
  }[stage] ?? [];
  if (feature.stage === 'canary' && stage === 'canary') {
    said.push(share > feature.percent ? 'Clients that use push already stay with it.' : 'Some clients that use push now go back to polling.');
  }
  if (feature.hasGate) {
    said.push(stage === 'observe' || stage === 'retired' ? 'Its gate stops there.' : 'Its gate goes on from there.');
  }
  said.push('It reaches every node and every connected client, and can be taken back at any time.');
  return said;
}

/** Lines of two texts side by side: [kind, text], kind ' ', '-' or '+'. Long texts are compared at their ends only. */
export function lineDifference(before, after, longest = 400) {
  const [a, b] = [before, after].map((text) => text.split('\n'));
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const [left, right] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  const middle = left.length > longest || right.length > longest
    ? [...left.map((line) => ['-', line]), ...right.map((line) => ['+', line])] : longestCommon(left, right);
  return [...a.slice(0, start).map((line) => [' ', line]), ...middle, ...a.slice(a.length - end).map((line) => [' ', line])];
}

function longestCommon(a, b) {
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      lengths[i][j] = a[i] === b[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const lines = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push([' ', a[i]]);
      i += 1;
      j += 1;
    } else if (j >= b.length || (i < a.length && lengths[i + 1][j] >= lengths[i][j + 1])) {
      lines.push(['-', a[i++]]);
    } else {
      lines.push(['+', b[j++]]);
    }
  }
  return lines;
}

/** JSON on many lines; anything else as it is. */
export function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** Reads server-sent events out of text that comes in pieces: give it a piece, get the events that are whole. */
export function eventReader() {
  let rest = '';
  return (piece) => {
    const blocks = (rest + piece).split('\n\n');
    rest = blocks.pop();
    return blocks.flatMap((block) => {
      const event = { event: 'message', data: '' };
      for (const line of block.split('\n')) {
        const at = line.indexOf(':');
        if (at > 0) event[line.slice(0, at)] = line.slice(at + 1).trimStart();
      }
      return event.data ? [event] : [];
    });
  };
}
