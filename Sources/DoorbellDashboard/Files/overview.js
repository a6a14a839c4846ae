// The first page: is it well, what needs somebody, and how much polling there is left.

import { h, fill, badge, announce, choices } from './dom.js';
import { get, every } from './api.js';
import { store, onStatus } from './store.js';
import { chart } from './chart.js';
import { table } from './table.js';
import { age, bytes, count, duration, figure, share } from './format.js';
import { pathSeries, percentile, thin, totals } from './figures.js';

export const title = 'Overview';

const ranges = [['live', 'last minutes'], ['1h', 'hour'], ['24h', 'day'], ['7d', 'week']];
let range = 'live';

export function open(main, _, signal) {
  const cards = h('dl', { class: 'cards' });
  const running = h('p', { class: 'muted' });
  const attention = h('ul', { class: 'notes' });
  const reasons = table({
    caption: 'The newest dead letters', key: (row) => `${row.feature} ${row.position} ${row.table}`, empty: 'None is kept.',
    columns: [
      { key: 'feature', title: 'Feature', head: true, show: (row) => row.feature },
      { key: 'table', title: 'Table', show: (row) => row.table ?? '–' },
      { key: 'position', title: 'Position', kind: 'tight', show: (row) => row.position },
      { key: 'reason', title: 'Reason', kind: 'wide', show: (row) => row.reason },
    ],
  });
  const letters = h('details', { class: 'below', hidden: true }, h('summary', {}, 'Dead letters'), h('div', { class: 'below' }, reasons.node));
  letters.addEventListener('toggle', async () => {
    if (letters.open) reasons.update(await get('dead-letters', signal).catch(() => []));
  });
  const stages = h('p');
  const requests = chart({ title: 'Requests', note: 'polls answered and messages pushed, a second', format: figure });
  const traffic = chart({ title: 'Bytes', note: 'to and from clients, a second', format: bytes });
  const processor = chart({ title: 'Processor', note: 'of the service and, where the configuration names it, of the legacy API; in processors', format: figure });
  const sums = h('div', { class: 'below' });
  let found = { parity: [], gates: [], connections: null };
  let report = null;

  const again = every(30, async (stop) => {
    // The live curves need no history, the figures below do.
    const asked = range;
    const answer = await get(`comparison?since=${asked === 'live' ? '1h' : asked}&points=paths`, stop);
    if (asked !== range) return;
    report = answer;
    draw();
  }, signal);
  every(10, async (stop) => {
    const [parity, gates, connections] = await Promise.all([get('parity', stop), get('gates', stop), get('connections?limit=5', stop)]);
    found = { parity: parity.features, gates: gates.gates, connections };
    drawAttention();
  }, signal);

  const choose = choices('Over the', 'range', ranges, range, (value) => {
    range = value;
    // What was there is of another time.
    report = null;
    draw();
    again();
  });

  fill(main, h('header', {}, h('h1', { tabindex: -1 }, 'Overview'), running),
    cards,
    h('section', { 'aria-labelledby': 'attention' }, h('h2', { id: 'attention' }, 'Needs attention'), attention, letters),
    h('section', { 'aria-labelledby': 'stages' }, h('h2', { id: 'stages' }, 'Features'), stages),
    h('section', { 'aria-labelledby': 'curves' }, h('h2', { id: 'curves' }, 'Polling and push'),
      h('div', { class: 'bar' }, choose), h('div', { class: 'plots three' }, requests.node, traffic.node, processor.node), sums));

  onStatus(() => {
    drawCards();
    drawAttention();
    drawStages();
    if (range === 'live') draw();
  }, signal);

  function drawCards() {
    const { status } = store;
    const now = store.live.at(-1);
    const rate = now && !now.gap ? now : null;
    card('Capture', status.isLive ? 'live' : 'not live', status.isLive ? 'good' : 'bad', status.capture.replace(/^live, /, ''));
    card('Capture lag', duration(status.captureLag), (status.captureLag ?? 0) > 1 ? 'warn' : null, 'of the last delivered row');
    card('Connections', count(status.connections), null, `${count(status.subscriptions)} subscriptions on ${count(status.channels)} channels`);
    card('Pushed', rate ? figure(rate.messages) : '–', null, 'messages a second');
    card('Polled', rate ? figure(rate.polls) : '–', null, 'requests a second');
    card('Dead letters', count(status.deadLetters), status.deadLetters ? 'warn' : null, 'changes that could not be told');
    const text = `Running for ${age((Date.parse(status.now) - Date.parse(status.started)) / 1000)}.`;
    if (running.textContent !== text) running.textContent = text;
    sayNow(rate);
  }

  const shown = new Map();
  function card(name, value, tone, note) {
    let entry = shown.get(name);
    if (!entry) {
      entry = { value: h('dd'), note: h('dd') };
      shown.set(name, entry);
      cards.append(h('div', { class: 'card' }, h('dt', {}, name), entry.value, entry.note));
    }
    entry.value.className = tone ?? '';
    if (entry.value.textContent !== value) entry.value.textContent = value;
    if (entry.note.textContent !== note) entry.note.textContent = note;
  }

  // Once a minute, for those who do not see the figures change.
  let said = 0;
  function sayNow(rate) {
    if (!rate || Date.now() - said < 60_000) return;
    said = Date.now();
    const { status } = store;
    announce(`Capture is ${status.isLive ? 'live' : 'not live'}; ${count(status.connections)} connections, ${figure(rate.messages)} messages and ${figure(rate.polls)} polls a second.`);
  }

  function drawAttention() {
    const { status } = store;
    if (!status) return;
    const notes = [];
    const link = (feature) => h('a', { href: `#/features/${encodeURIComponent(feature)}` }, feature);
    if (!status.isLive) notes.push(['bad', 'Capture is not live: ', status.capture, '. Polls go to the legacy API, clients are told to poll.']);
    if (status.upstreamTrouble) notes.push(['bad', 'The legacy API: ', status.upstreamTrouble]);
    for (const gate of found.gates) {
      if (gate.last?.verdict === 'failed') notes.push(['bad', 'The gate of ', link(gate.feature), ` failed: ${gate.last.reason}.`]);
    }
    for (const each of found.parity) {
      if (each.assessment === 'misses') notes.push(['bad', 'Push misses changes of ', link(each.feature), `: ${count(each.counts.missed)} of ${count(each.counts.told + each.counts.missed)}.`]);
      if (each.assessment === 'needless') notes.push(['warn', 'Push tells clients of ', link(each.feature), ` for nothing: ${count(each.counts.spurious)} messages.`]);
    }
    if (status.deadLetters) notes.push(['warn', `${count(status.deadLetters)} ${status.deadLetters === 1 ? 'change' : 'changes'} could not be told; the reasons are below.`]);
    letters.hidden = !status.deadLetters;
    if ((status.heldBack ?? 0) > 60) notes.push(['warn', `A transaction has been open for ${age(status.heldBack)}, and keeps the outbox from shrinking.`]);
    const behind = found.connections?.connections.filter((each) => each.behind > 0).length ?? 0;
    if (behind) notes.push(['warn', `${behind === 5 ? 'Five or more' : behind} of the slowest clients read slower than they are sent to. `, h('a', { href: '#/connections' }, 'See connections')]);
    const order = ['bad', 'warn'];
    notes.sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
    if (!notes.length) notes.push(['good', 'Nothing.']);
    const text = JSON.stringify(notes.map((parts) => parts.map((part) => part.textContent ?? part)));
    if (attention.dataset.shown === text) return;
    attention.dataset.shown = text;
    fill(attention, notes.slice(0, 12).map(([tone, ...parts]) => h('li', { class: tone }, parts)),
      notes.length > 12 && h('li', { class: 'warn' }, `and ${notes.length - 12} more: `, h('a', { href: '#/features' }, 'see features')));
  }

  function drawStages() {
    const names = ['observe', 'shadow', 'canary', 'push', 'retired'];
    const counts = names.map((name) => store.status.features.filter((each) => each.stage === name).length);
    const text = counts.join();
    if (stages.dataset.shown === text) return;
    stages.dataset.shown = text;
    fill(stages, names.map((name, index) => [badge('plain', `${counts[index]} ${name}`), ' ']),
      h('a', { href: '#/features' }, 'All features'));
  }

  function draw() {
    if (range === 'live') {
      const live = store.live.map((each) => [each.at, each]);
      const series = (key, name, value) => ({ key, name, points: thin(live.map(([at, each]) => [at, each.gap ? null : value(each)])) });
      const last = store.live.at(-1);
      requests.update({
        series: [series('poll', 'polls', (each) => each.polls), series('push', 'messages', (each) => each.messages)],
        summary: last && !last.gap ? `Now ${figure(last.polls)} polls and ${figure(last.messages)} messages a second.` : '',
      });
      traffic.update({
        series: [series('push', 'sent to clients', (each) => each.bytes)],
        summary: last && !last.gap ? `Now ${bytes(last.bytes)} a second sent to clients.` : '',
      });
    } else if (!report?.paths) {
      for (const each of [requests, traffic]) each.update({ series: [], summary: '' });
    } else {
      const added = [...totals(report.lines)];
      const say = (value, unit) => added.map(([path, sum]) => `${path}: ${unit(value(sum))}`).join('; ');
      requests.update({ series: pathSeries(report, (total) => total.requests), summary: `In all ${say((sum) => sum.requests, count)}.` });
      traffic.update({ series: pathSeries(report, (total) => total.bytesUp + total.bytesDown), summary: `In all ${say((sum) => sum.bytes, bytes)}.` });
    }
    drawProcessor();
    if (report?.lines) drawTotals();
    else fill(sums, range !== 'live' && h('p', { class: 'muted', role: 'status' }, 'Reading what was counted …'));
  }

  function drawProcessor() {
    const known = report?.processes?.filter((each) => each.points.length) ?? [];
    processor.update({
      series: known.map((each, index) => ({ key: index ? 'second' : 'first', name: each.name, points: thin(each.points.map(({ at, cpuSeconds }) => [at, cpuSeconds / report.step])) })),
      summary: known.map((each) => `${each.name}: ${figure(each.cpuSeconds)} processor seconds${each.memory ? `, ${bytes(each.memory)} of memory now` : ''}`).join('; '),
    });
  }

  function drawTotals() {
    const added = [...totals(report.lines)];
    if (!added.length) {
      fill(sums);
      return;
    }
    const names = { poll: 'polling', conditional: 'polling with a tag', held: 'held polls', push: 'push' };
    fill(sums, report.trouble && h('p', { class: 'error' }, report.trouble), h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Polling and push in figures' }, h('table', {},
      h('caption', {}, `Over the ${range === 'live' ? 'last hour' : ranges.find(([key]) => key === range)[1]}, all features together`),
      h('thead', {}, h('tr', {}, ['how', 'requests', 'nothing new', 'bytes', 'to the legacy API', 'told within (median)', '99 %'].map((name, index) =>
        h('th', { scope: 'col', class: index ? 'number' : null }, name)))),
      h('tbody', {}, added.map(([path, sum]) => h('tr', {}, h('th', { scope: 'row' }, names[path] ?? path),
        [count(sum.requests), path === 'push' ? '–' : share(sum.unchanged, sum.requests), bytes(sum.bytes), count(sum.origin),
          duration(percentile(sum.buckets, 50)), duration(percentile(sum.buckets, 99))].map((text) => h('td', { class: 'number' }, text))))))));
  }
}
