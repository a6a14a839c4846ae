// Curves as SVG, with the same figures as text and as a table.

import { h, fill } from './dom.js';
import { shortClock, day, dateTime } from './format.js';

const height = 190;
const margin = { top: 8, right: 10, bottom: 22, left: 58 };

/** 0 and two to five even steps that reach `most`. */
export function ticks(most) {
  if (!(most > 0)) return [0, 1];
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
  const values = [];
  for (let value = 0; value < most + step; value += step) values.push(value);
  return values;
}

function timeTicks(from, until, room) {
  const steps = [60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800];
  const step = steps.find((each) => (until - from) / each <= Math.max(2, room / 80)) ?? 2_592_000;
  const zone = new Date(from * 1000).getTimezoneOffset() * 60;
  const values = [];
  for (let at = Math.ceil((from - zone) / step) * step + zone; at <= until; at += step) values.push(at);
  const name = (at) => (step >= 86_400 || (until - from > 86_400 && new Date(at * 1000).getHours() === 0) ? day(at) : shortClock(at));
  return values.map((at) => [at, name(at)]);
}

/** Seconds from a millisecond to a day, in decades. */
function logTicks(from, until) {
  const values = [];
  for (let power = Math.ceil(Math.log10(from) - 1e-9); 10 ** power <= until * 1.0001; power += 1) {
    const at = 10 ** power;
    values.push([at, at < 1 ? `${at * 1000} ms`.replace('0.1 ms', '100 µs') : `${at} s`]);
  }
  return values;
}

/**
 * A figure with curves. `x`: 'time' or 'log'; `format`: of a value; `formatX`: of a place, in the table.
 * Returns { node, update({ series: [{ key, name, points: [[x, value or null] …] }], summary, until }) }. `summary`: what the curves say, as text.
 */
export function chart({ title, note, x = 'time', format, formatX = dateTime, most = null, empty = 'Nothing was counted yet.' }) {
  let data = { series: [], summary: '' };
  let drawn = '';
  const legend = h('ul', { class: 'legend', role: 'list' });
  const plot = h('div', { class: 'plot' });
  const details = h('details', {}, h('summary', {}, 'Figures as a table'));
  const rows = h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': `${title}: figures` });
  details.append(rows);
  details.addEventListener('toggle', drawTable);
  const node = h('figure', {}, h('figcaption', {}, title, note && h('small', {}, note)), legend, plot, details);
  new ResizeObserver(() => draw()).observe(plot);

  function drawLegend(at = null) {
    const items = data.series.map(({ key, name, points }) => {
      const known = points.filter(([, value]) => value !== null);
      const found = at === null ? known.at(-1) : nearest(known, at);
      const sample = h('svg', { width: 22, height: 8, 'aria-hidden': 'true' }, h('line', { x1: 0, x2: 22, y1: 4, y2: 4, class: `curve ${key}` }));
      return h('li', {}, sample, name, found && x === 'time' ? `: ${format(found[1])}` : found && at !== null ? `: ${format(found[1])}` : '');
    });
    const place = at === null ? null : h('li', { class: 'muted' }, formatX(at));
    fill(legend, items, place);
  }

  function nearest(points, at) {
    return points.reduce((best, point) => (!best || Math.abs(point[0] - at) < Math.abs(best[0] - at) ? point : best), null);
  }

  function draw(force = false) {
    const width = Math.max(240, plot.clientWidth || 0);
    const state = JSON.stringify([width, data.series.map((each) => [each.key, each.points.length, each.points.at(-1), each.points[0]]), data.until]);
    if (!force && state === drawn) return;
    drawn = state;
    const all = data.series.flatMap((each) => each.points).filter(([, value]) => value !== null);
    drawLegend();
    details.hidden = all.length === 0;
    if (all.length === 0) {
      fill(plot, h('p', { class: 'empty' }, empty));
      return;
    }
    const places = all.map(([at]) => at);
    let [from, until] = [Math.min(...places), Math.max(...places)];
    if (x === 'time') until = Math.max(until, from + 60);
    else [from, until] = [10 ** Math.floor(Math.log10(Math.max(from, 1e-4))), 10 ** Math.ceil(Math.log10(Math.max(until, 1e-3)))];
    if (until <= from) until = from * 10;
    const [inner, tall] = [width - margin.left - margin.right, height - margin.top - margin.bottom];
    const across = (at) => margin.left + inner * (x === 'log'
      ? (Math.log10(Math.max(at, from)) - Math.log10(from)) / (Math.log10(until) - Math.log10(from)) : (at - from) / (until - from));
    const levels = most ? [0, 25, 50, 75, 100].map((each) => each * most / 100) : ticks(Math.max(...all.map(([, value]) => value)));
    const top = levels.at(-1);
    const up = (value) => margin.top + tall * (1 - value / top);
    const marks = x === 'log' ? logTicks(from, until) : timeTicks(from, until, inner);
    const cursor = h('line', { class: 'cursor', y1: margin.top, y2: margin.top + tall, visibility: 'hidden' });
    const svg = h('svg', { viewBox: `0 0 ${width} ${height}`, height, role: 'img', 'aria-label': `${title}. ${data.summary}` },
      levels.map((level) => [
        h('line', { class: 'grid', x1: margin.left, x2: width - margin.right, y1: up(level), y2: up(level) }),
        h('text', { x: margin.left - 6, y: up(level) + 4, 'text-anchor': 'end' }, format(level)),
      ]),
      marks.map(([at, text]) => h('text', {
        x: across(at), y: height - 5, 'text-anchor': across(at) > width - 30 ? 'end' : across(at) < margin.left + 14 ? 'start' : 'middle',
      }, text)),
      data.series.map(({ key, points }) => h('path', { class: `curve ${key}`, d: x === 'log' ? steps(points, across, up, width) : curve(points, across, up) })), cursor);
    svg.addEventListener('pointermove', (event) => {
      const box = svg.getBoundingClientRect();
      const part = Math.min(1, Math.max(0, ((event.clientX - box.left) * width / box.width - margin.left) / inner));
      const at = x === 'log' ? 10 ** (Math.log10(from) + part * (Math.log10(until) - Math.log10(from))) : from + part * (until - from);
      cursor.setAttribute('x1', across(at));
      cursor.setAttribute('x2', across(at));
      cursor.setAttribute('visibility', 'visible');
      drawLegend(at);
    });
    svg.addEventListener('pointerleave', () => {
      cursor.setAttribute('visibility', 'hidden');
      drawLegend();
    });
    fill(plot, svg);
    drawTable();
  }

  function curve(points, across, up) {
    let path = '';
    let isOpen = false;
    for (const [index, [at, value]] of points.entries()) {
      if (value === null) {
        isOpen = false;
        continue;
      }
      const isAlone = !isOpen && (points[index + 1]?.[1] ?? null) === null;
      const [left, top] = [across(at).toFixed(1), up(value).toFixed(1)];
      path += `${isOpen ? 'L' : 'M'}${left} ${top}${isAlone ? 'h2' : ''}`;
      isOpen = true;
    }
    return path;
  }

  /** From nothing at the left to all at the right. */
  function steps(points, across, up, width) {
    return `M${margin.left} ${up(0)}${points.map(([at, value]) => `H${across(at).toFixed(1)}V${up(value).toFixed(1)}`).join('')}H${width - margin.right}`;
  }

  function drawTable() {
    if (!details.open) return;
    const places = [...new Set(data.series.flatMap((each) => each.points.map(([at]) => at)))].sort((a, b) => (x === 'time' ? b - a : a - b));
    const values = data.series.map((each) => new Map(each.points));
    fill(rows, h('table', {},
      h('caption', {}, title),
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, x === 'time' ? 'from' : 'within'),
        data.series.map((each) => h('th', { scope: 'col', class: 'number' }, each.name)))),
      h('tbody', {}, places.map((at) => h('tr', {}, h('th', { scope: 'row' }, formatX(at)), values.map((known) => {
        const value = known.get(at);
        return h('td', { class: 'number' }, value === undefined || value === null ? '–' : format(value));
      }))))));
  }

  return {
    node,
    update(next) {
      data = next;
      draw();
    },
  };
}
