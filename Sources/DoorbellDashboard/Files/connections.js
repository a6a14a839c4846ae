// Who is pushed to, those that read slowest first.

import { h, fill, field } from './dom.js';
import { get, every } from './api.js';
import { table } from './table.js';
import { age, bytes, count } from './format.js';

export const title = 'Connections';

const limit = 100;

export function open(main, _, signal) {
  const filter = h('input', { type: 'search', 'data-filter': true, autocomplete: 'off' });
  const summary = h('p', { class: 'muted' });
  let rows = [];
  const grid = table({
    caption: 'Connections, those that read slowest first', key: (row) => row.session, empty: 'Nobody is pushed to.',
    columns: [
      { key: 'session', title: 'Session', head: true, show: (row) => h('span', {}, h('span', { class: 'mono' }, row.session), h('small', {}, row.userAgent ?? 'no agent')) },
      { key: 'transport', title: 'Transport', sort: (row) => row.transport, show: (row) => row.transport },
      { key: 'user', title: 'User', kind: 'tight', sort: (row) => row.user ?? '', show: (row) => h('span', {}, row.user ?? '–', h('small', {}, row.address ?? '')) },
      { key: 'seconds', title: 'Open for', kind: 'number', sort: (row) => row.seconds, show: (row) => age(row.seconds) },
      { key: 'subscriptions', title: 'Channels', kind: 'number', sort: (row) => row.subscriptions, show: (row) => count(row.subscriptions) },
      { key: 'behind', title: 'Behind', kind: 'number', sort: (row) => row.behind, show: (row) => count(row.behind) },
      { key: 'buffered', title: 'Waiting', kind: 'number', sort: (row) => row.bufferedBytes, show: (row) => bytes(row.bufferedBytes) },
      { key: 'times', title: 'Fell behind', kind: 'number', sort: (row) => row.timesBehind, show: (row) => count(row.timesBehind) },
      { key: 'resets', title: 'Resets', kind: 'number', sort: (row) => row.resets, show: (row) => count(row.resets) },
      { key: 'conflated', title: 'Conflated', kind: 'number', sort: (row) => row.conflated, show: (row) => count(row.conflated) },
    ],
  });
  fill(main, h('header', {}, h('h1', { tabindex: -1 }, 'Connections'), summary),
    h('div', { class: 'bar' }, field('Find', filter)), grid.node,
    h('p', { class: 'muted' }, 'Behind: channels that are read on from history once the client reads. Waiting: bytes beyond what the kernel has taken.'));
  filter.addEventListener('input', draw);
  every(3, async (stop) => {
    const report = await get(`connections?limit=${limit}`, stop);
    rows = report.connections;
    summary.textContent = `${count(report.open)} open, ${count(report.pushed)} of them pushed to${report.pushed > rows.length ? `; the slowest ${rows.length} are shown` : ''}.`;
    draw();
  }, signal);

  function draw() {
    const text = filter.value.trim().toLowerCase();
    grid.update(rows.filter((row) => !text || `${row.session} ${row.user} ${row.address} ${row.userAgent} ${row.transport}`.toLowerCase().includes(text)));
  }
}
