// Who moved what, when and why.

import { h, fill, field, badge } from './dom.js';
import { get, every } from './api.js';
import { table } from './table.js';
import { dateTime, stage } from './format.js';

export const title = 'Audit log';

/** The steps of one feature, or of all. */
export function auditTable(caption, withFeature = false) {
  const from = (row) => (row.from ? stage(row.from, row.fromPercent) : 'as configured');
  return table({
    caption, key: (row) => row.revision, empty: 'Nobody has moved it yet.',
    columns: [
      { key: 'at', title: 'At', head: true, kind: 'tight', sort: (row) => row.at, show: (row) => dateTime(row.at) },
      ...(withFeature ? [{ key: 'feature', title: 'Feature', kind: 'tight', sort: (row) => row.feature, show: (row) => h('a', { href: `#/features/${encodeURIComponent(row.feature)}` }, row.feature) }] : []),
      { key: 'from', title: 'From', kind: 'tight', show: from },
      { key: 'to', title: 'To', kind: 'tight', sort: (row) => row.to, show: (row) => h('strong', {}, stage(row.to, row.percent)) },
      { key: 'by', title: 'By', sort: (row) => row.by, show: (row) => (row.by === 'gate' ? badge('plain', 'gate') : row.by) },
      { key: 'login', title: 'Database user', sort: (row) => row.login, show: (row) => row.login },
      { key: 'why', title: 'Why', kind: 'wide', show: (row) => row.why ?? '–' },
      { key: 'evidence', title: 'Evidence', show: (row) => (row.evidence ? h('details', {}, h('summary', {}, 'Show'), h('pre', { tabindex: 0 }, JSON.stringify(row.evidence, null, 2))) : '–') },
    ],
  });
}

export function open(main, _, signal) {
  const filter = h('input', { type: 'search', 'data-filter': true, autocomplete: 'off' });
  const grid = auditTable('Steps of all features, the newest first', true);
  let rows = [];
  fill(main, h('header', {}, h('h1', { tabindex: -1 }, 'Audit log'), h('p', { class: 'muted' }, 'The last 200 steps, by people and by gates.')),
    h('div', { class: 'bar' }, field('Find', filter)), grid.node);
  filter.addEventListener('input', draw);
  every(10, async (stop) => {
    rows = (await get('stages/history?limit=200', stop)).audit;
    draw();
  }, signal);

  function draw() {
    const text = filter.value.trim().toLowerCase();
    grid.update(rows.filter((row) => !text || `${row.feature} ${row.by} ${row.why} ${row.to} ${row.from}`.toLowerCase().includes(text)));
  }
}
