// All features in one table.

import { h, fill, badge, field } from './dom.js';
import { get, every } from './api.js';
import { store, onStatus } from './store.js';
import { table } from './table.js';
import { count, dateTime, figure, percent } from './format.js';
import { totals } from './figures.js';

export const title = 'Features';

export const stageTone = { observe: 'plain', shadow: 'plain', canary: 'warn', push: 'good', retired: 'good' };
export const parityTone = { match: 'good', misses: 'bad', needless: 'warn', inconclusive: 'plain', 'not compared': 'plain' };
export const verdictTone = { successful: 'good', failed: 'bad', inconclusive: 'plain' };

const order = ['observe', 'shadow', 'canary', 'push', 'retired'];

export function meter(value) {
  return h('span', { class: 'meter', 'aria-hidden': 'true' }, h('svg', { width: 72, height: 8, viewBox: '0 0 100 8', preserveAspectRatio: 'none' }, h('rect', { width: value, height: 8 })));
}

export function open(main, _, signal) {
  const filter = h('input', { type: 'search', 'data-filter': true, autocomplete: 'off' });
  const wanted = h('select', {}, h('option', { value: '' }, 'all stages'), order.map((name) => h('option', {}, name)));
  const shown = h('p', { class: 'muted', role: 'status' });
  let extra = { gates: new Map(), parity: new Map(), sums: new Map(), seconds: 3600 };

  const grid = table({
    caption: 'Features', key: (row) => row.name, sortBy: 'name', empty: 'No feature is like that.',
    columns: [
      { key: 'name', title: 'Feature', head: true, sort: (row) => row.name, show: (row) => h('span', {}, h('a', { href: `#/features/${encodeURIComponent(row.name)}` }, row.name), h('small', { class: 'mono' }, row.poll)) },
      { key: 'stage', title: 'Stage', kind: 'tight', sort: (row) => order.indexOf(row.stage) * 1000 + row.percent, show: (row) => h('span', {}, badge(stageTone[row.stage] ?? 'plain', row.stage), row.stage === 'canary' && [' ', percent(row.percent), meter(row.percent)]) },
      { key: 'gate', title: 'Gate', kind: 'wide', sort: (row) => row.gate?.now.verdict ?? (row.hasGate ? ' ' : ''), show: gate },
      { key: 'parity', title: 'Parity', kind: 'tight', sort: (row) => row.parity?.assessment ?? '', show: (row) => (row.parity ? h('span', {}, badge(parityTone[row.parity.assessment] ?? 'plain', row.parity.assessment), row.parity.counts.missed > 0 && h('small', {}, `${count(row.parity.counts.missed)} missed`)) : '–') },
      { key: 'polls', title: 'Polls / min', kind: 'number', sort: (row) => row.polls, show: (row) => figure(row.polls) },
      { key: 'pushes', title: 'Pushed / min', kind: 'number', sort: (row) => row.pushes, show: (row) => figure(row.pushes) },
      { key: 'since', title: 'Since', kind: 'tight', sort: (row) => row.since ?? '', show: (row) => (row.since ? h('span', {}, dateTime(row.since), h('small', {}, `by ${row.by}`)) : 'as configured') },
    ],
  });

  fill(main, h('header', {}, h('h1', { tabindex: -1 }, 'Features')),
    h('div', { class: 'bar' }, field('Find', filter), field('Stage', wanted), shown), grid.node,
    h('p', { class: 'muted' }, 'Polls and messages are those of the last hour.'));
  filter.addEventListener('input', draw);
  wanted.addEventListener('change', draw);
  onStatus(draw, signal);
  every(10, async (stop) => {
    const [gates, parity, report] = await Promise.all([get('gates', stop), get('parity', stop), get('comparison?since=1h&points=none', stop)]);
    const lines = report.lines ?? [];
    extra = {
      gates: new Map(gates.gates.map((each) => [each.feature, each])),
      parity: new Map(parity.features.map((each) => [each.feature, each])),
      sums: group(lines),
      seconds: Math.max(60, (report.until - report.from) || 3600),
    };
    draw();
  }, signal);

  function group(lines) {
    const groups = new Map();
    for (const line of lines) groups.set(line.feature, [...(groups.get(line.feature) ?? []), line]);
    return new Map([...groups].map(([name, each]) => [name, totals(each)]));
  }

  function draw() {
    if (!store.status) return;
    const text = filter.value.trim().toLowerCase();
    const rows = store.status.features
      .filter((each) => !wanted.value || each.stage === wanted.value)
      .filter((each) => !text || `${each.name} ${each.poll} ${each.by ?? ''}`.toLowerCase().includes(text))
      .map((each) => {
        const sums = extra.sums.get(each.name);
        const minute = (path) => (sums ? 60 * (sums.get(path)?.requests ?? 0) / extra.seconds : null);
        return {
          ...each, gate: extra.gates.get(each.name), parity: extra.parity.get(each.name),
          polls: sums ? minute('poll') + minute('conditional') + minute('held') : null, pushes: minute('push'),
        };
      });
    grid.update(rows);
    const told = `${count(rows.length)} of ${count(store.status.features.length)}`;
    if (shown.textContent !== told) shown.textContent = told;
  }

  function gate(row) {
    if (!row.gate) return row.hasGate ? '…' : '–';
    const { last, now } = row.gate;
    return h('span', {}, badge(verdictTone[now.verdict], now.verdict), h('small', {}, last?.reason ?? now.reason));
  }
}
