// One feature: where it stands and why, what polls and push say of it, who still polls, and who moved it.

import { h, fill, badge, choices } from './dom.js';
import { get, every } from './api.js';
import { store, onStatus } from './store.js';
import { chart } from './chart.js';
import { table } from './table.js';
import { age, bytes, count, dateTime, duration, figure, percent, share, stage } from './format.js';
import { cumulative, lineDifference, pathSeries, paths, percentile, pretty, totals } from './figures.js';
import { parityTone, verdictTone } from './features.js';
import { askToMove } from './stage.js';
import { auditTable } from './audit.js';
import { askForToken } from './token.js';

export const title = (name) => name;

const stages = ['observe', 'shadow', 'canary', 'push', 'retired'];
const ranges = [['1h', 'hour'], ['24h', 'day'], ['7d', 'week']];
let range = '24h';

export function open(main, name, closed) {
  const ended = new AbortController();
  const { signal } = ended;
  closed.addEventListener('abort', () => ended.abort());
  const url = encodeURIComponent(name);
  const intro = h('p', { class: 'mono' });
  const steps = h('ol', { class: 'steps', 'aria-label': 'Stages' });
  const standing = h('p');
  const move = h('button', { type: 'button', class: 'main', id: 'move' }, 'Move …');
  const locked = h('p', { class: 'muted', id: 'move-note' });
  const gate = h('div', { class: 'panel' });
  const parity = h('div', { class: 'panel' });
  const samples = h('div');
  const requests = chart({ title: 'Requests', note: 'polls answered and messages pushed, a second', format: figure });
  const traffic = chart({ title: 'Bytes', note: 'to and from clients, a second', format: bytes });
  const waits = chart({ title: 'Staleness', note: 'share of the changes that a client was told of within so long', x: 'log', most: 100, format: (value) => percent(Number(value.toFixed(1))), formatX: duration });
  const processor = chart({ title: 'Processor', note: 'of the service, in processors', format: figure });
  const sums = h('div', { class: 'below' });
  const pollers = table({
    caption: 'Clients that still poll', key: (row) => row.client, sortBy: 'polls', descending: true, empty: 'Nobody, as far as this node has seen since it was started.',
    columns: [
      { key: 'client', title: 'Client', head: true, show: (row) => h('span', { class: 'mono' }, row.client) },
      { key: 'agent', title: 'Agent', kind: 'wide', sort: (row) => row.userAgent, show: (row) => row.userAgent || '–' },
      { key: 'seconds', title: 'Every', kind: 'number', sort: (row) => row.seconds, show: (row) => duration(row.seconds) },
      { key: 'polls', title: 'Polls', kind: 'number', sort: (row) => row.polls, show: (row) => count(row.polls) },
      { key: 'double', title: 'Needless', kind: 'number', sort: (row) => row.doublePolls, show: (row) => count(row.doublePolls) },
      { key: 'pushed', title: 'Pushed too', sort: (row) => (row.isPushed ? 1 : 0), show: (row) => (row.isPushed ? 'yes' : 'no') },
      { key: 'silent', title: 'Last', kind: 'number', sort: (row) => row.silentFor, show: (row) => `${age(row.silentFor)} ago` },
    ],
  });
  const pollersNote = h('p', { class: 'muted' });
  const audit = auditTable('Steps of this feature');
  const section = (id, heading, ...children) => h('section', { 'aria-labelledby': id }, h('h2', { id }, heading), children);
  let feature = null;

  fill(main, h('header', {}, h('p', {}, h('a', { href: '#/features' }, '← All features')), h('h1', { tabindex: -1 }, name), intro),
    section('stage', 'Stage', steps, standing, h('p', {}, move), locked),
    h('div', { class: 'pair' }, section('gate', 'Gate', gate), section('parity', 'Parity', parity)),
    section('samples', 'Where polls and messages differed', samples),
    section('comparison', 'Polling and push', h('div', { class: 'bar' }, choices('Over the', 'range', ranges, range, (value) => {
      range = value;
      // What was there is of another time.
      for (const each of [requests, traffic, waits, processor]) each.update({ series: [], summary: '' });
      fill(sums, h('p', { class: 'muted', role: 'status' }, 'Reading what was counted …'));
      compare();
    })), h('div', { class: 'plots' }, requests.node, traffic.node, waits.node, processor.node), sums),
    section('pollers', 'Who still polls', pollersNote, pollers.node),
    section('audit', 'Audit log', audit.node));

  move.addEventListener('click', () => {
    if (!store.access?.canAct) askForToken(() => feature && askToMove(feature, auditAgain));
    else if (feature) askToMove(feature, auditAgain);
  });

  onStatus(() => {
    const wasUnknown = !feature;
    feature = store.status.features.find((each) => each.name === name);
    if (wasUnknown && feature) queueMicrotask(() => gateAgain());
    if (!feature) {
      ended.abort();
      fill(main, h('header', {}, h('h1', { tabindex: -1 }, name)), h('p', { class: 'error' }, 'The configuration has no feature of this name. '), h('p', {}, h('a', { href: '#/features' }, 'All features')));
      return;
    }
    drawStage();
  }, signal);

  every(5, async (stop) => drawParity(await get(`parity/${url}`, stop)), signal);
  const gateAgain = every(5, async (stop) => {
    if (feature && !feature.hasGate) drawGate(null);
    else if (feature) drawGate((await get(`gates/${url}`, stop)).gates[0]);
  }, signal);
  const compare = every(30, async (stop) => {
    const asked = range;
    const report = await get(`comparison?since=${asked}&feature=${url}&points=paths`, stop);
    if (asked === range) drawComparison(report);
  }, signal);
  every(10, async (stop) => {
    const report = await get(`pollers?feature=${url}&limit=50`, stop);
    pollers.update(report.lines);
    pollersNote.textContent = report.pollers
      ? `${count(report.pollers)} poll, ${count(report.polledTwice)} of them although they are pushed the same${report.pollers > report.lines.length ? `; ${report.lines.length} are shown` : ''}.`
      : 'Listed are clients of features in canary, push and retired.';
  }, signal);
  const auditAgain = every(30, async (stop) => audit.update((await get(`stages/history?feature=${url}&limit=20`, stop)).audit), signal);

  function drawStage() {
    const text = JSON.stringify(feature) + JSON.stringify(store.access);
    if (steps.dataset.shown === text) return;
    if (steps.dataset.revision !== undefined && steps.dataset.revision !== String(feature.revision)) auditAgain();
    steps.dataset.shown = text;
    steps.dataset.revision = feature.revision;
    intro.textContent = `${feature.poll} · mode ${feature.mode}`;
    fill(steps, stages.map((each) => h('li', { 'aria-current': each === feature.stage ? 'step' : null }, each === feature.stage ? stage(each, feature.percent) : each)));
    fill(standing, feature.since
      ? ['Since ', h('strong', {}, dateTime(feature.since)), ' by ', h('strong', {}, feature.by), feature.why ? `: ${feature.why}` : '']
      : 'As the configuration says; nobody has moved it yet.');
    const { access } = store;
    move.disabled = access !== null && !access.isTokenConfigured;
    locked.textContent = move.disabled
      ? 'Nothing can be changed here, because the service has no admin token. Set admin: { token: ${ADMIN_TOKEN} } in its configuration, or DOORBELL_ADMIN_TOKEN, and start it again. The command works all the same: doorbell stage ' + name
      : access?.canAct ? '' : 'Asks for the admin token first.';
  }

  function drawGate(entry) {
    const text = JSON.stringify(entry, (key, value) => (key === 'seconds' || key === 'nextCheck' ? undefined : value));
    const next = entry ? `Next check in ${duration(entry.nextCheck)}${entry.isDeciding ? '' : '; another node decides'}. From the last ${duration(entry.now.evidence.seconds)}.` : '';
    const foot = gate.querySelector('.next');
    if (gate.dataset.shown === text) {
      if (foot && foot.textContent !== next) foot.textContent = next;
      return;
    }
    gate.dataset.shown = text;
    if (!entry) {
      fill(gate, h('p', { class: 'muted' }, 'It has none: people move it.'));
      return;
    }
    const does = { promote: `would move to ${entry.now.to}`, rollback: `would roll back to ${entry.now.to}`, hold: 'would stay' }[entry.now.action];
    const tones = { passed: 'good', failed: 'bad', open: 'plain' };
    fill(gate, h('p', {}, badge(verdictTone[entry.now.verdict], entry.now.verdict), ` ${does}: ${entry.now.reason}.`),
      h('ul', { class: 'checks' }, entry.now.checks.map((check) => h('li', {}, badge(tones[check.result], check.result), check.text))),
      entry.last && h('p', { class: 'muted' }, `Last check: ${entry.last.verdict}, ${entry.last.reason}. Rolled back after ${entry.threshold} failed checks.`),
      h('p', { class: 'muted next' }, next));
  }

  function drawParity(found) {
    if (!found) return;
    const text = JSON.stringify(found);
    if (parity.dataset.shown === text) return;
    parity.dataset.shown = text;
    const { counts } = found;
    const fact = (term, value) => [h('dt', {}, term), h('dd', {}, value)];
    fill(parity, h('p', {}, badge(parityTone[found.assessment] ?? 'plain', found.assessment), found.toldShare === undefined || found.toldShare === null ? '' : ` push told ${share(counts.told, counts.told + counts.missed)} of the changes that polls showed.`),
      h('dl', { class: 'facts' }, fact('told', count(counts.told)), fact('missed', count(counts.missed)), fact('for nothing', count(counts.spurious)),
        fact('quiet', count(counts.quiet)), fact('inconclusive', count(counts.inconclusive)), fact('callers', count(found.callers))),
      Object.keys(found.doubts).length > 0 && h('p', { class: 'muted' }, `Inconclusive because: ${Object.entries(found.doubts).map(([why, times]) => `${why} (${count(times)})`).join('; ')}.`),
      found.ignored.length > 0 && h('p', { class: 'muted' }, 'Ignored, because it changes by itself: ', h('span', { class: 'mono' }, found.ignored.join(', '))));
    drawSamples(found);
  }

  function drawSamples(found) {
    const text = JSON.stringify(found.samples);
    if (samples.dataset.shown === text) return;
    samples.dataset.shown = text;
    const open = new Set([...samples.querySelectorAll('details[open]')].map((each) => each.dataset.sample));
    if (!found.samples.length) {
      fill(samples, h('p', { class: 'muted' }, found.isCompared ? 'Nowhere so far.' : 'From stage shadow on, answers to polls are compared with the messages between them.'));
      return;
    }
    fill(samples, found.samples.slice(0, 10).map((each) => sample(each, open)));
  }

  function sample(each, open) {
    const id = `${each.at}-${each.target}`;
    const tones = { missed: 'bad', spurious: 'warn', inconclusive: 'plain', match: 'good' };
    const bodies = h('details', { 'data-sample': id, open: open.has(id) }, h('summary', {}, 'Both answers'));
    const drawBodies = () => {
      if (bodies.open && bodies.children.length === 1) bodies.append(difference(each.before, each.body));
    };
    bodies.addEventListener('toggle', drawBodies);
    drawBodies();
    return h('article', { class: 'sample' },
      h('h3', {}, badge(tones[each.verdict] ?? 'plain', each.verdict), each.reason),
      h('p', {}, h('span', { class: 'mono' }, `GET ${each.target}`), ' on ', h('span', { class: 'mono' }, each.channels.join(', ')), h('span', { class: 'muted' }, ` · ${dateTime(new Date(each.at))}`)),
      each.differences.length > 0 && h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Differences' }, h('table', {},
        h('thead', {}, h('tr', {}, ['Where', 'Before', 'After'].map((name) => h('th', { scope: 'col' }, name)))),
        h('tbody', {}, each.differences.map((one) => h('tr', {}, h('th', { scope: 'row', class: 'mono' }, one.path, one.isNoise && h('small', {}, ' (noise)')),
          h('td', { class: 'mono' }, one.before === undefined || one.before === null ? '–' : h('del', {}, one.before)),
          h('td', { class: 'mono' }, one.after === undefined || one.after === null ? '–' : h('ins', {}, one.after))))))),
      each.messages.length > 0 && h('p', {}, 'Messages between: ', h('span', { class: 'mono' }, each.messages.join(', '))),
      h('p', { class: 'muted' }, 'Positions: ', h('span', { class: 'mono' }, `${each.after} → ${each.asked}`)), bodies);
  }

  function difference(before, after) {
    if (before === after) return h('pre', {}, pretty(before));
    const kinds = { '-': 'old', '+': 'new', ' ': '' };
    return h('pre', { tabindex: 0 }, lineDifference(pretty(before), pretty(after)).slice(0, 1000).map(([kind, line]) => (kinds[kind]
      ? h(kind === '-' ? 'del' : 'ins', { class: kinds[kind] }, `${kind} ${line}\n`) : `  ${line}\n`)));
  }

  function drawComparison(report) {
    if (!report.lines) return;
    const byPath = totals(report.lines, name);
    const named = paths.filter(([key]) => byPath.has(key));
    const say = (value) => `${named.map(([key, text]) => `${text}: ${value(byPath.get(key))}`).join('; ') || 'nothing was counted'}.`;
    requests.update({ series: pathSeries(report, (total) => total.requests), summary: `In all ${say((sum) => `${count(sum.requests)} requests`)}` });
    traffic.update({ series: pathSeries(report, (total) => total.bytesUp + total.bytesDown), summary: `In all ${say((sum) => bytes(sum.bytes))}` });
    waits.update({
      series: named.filter(([key]) => byPath.get(key).buckets.size).map(([key, text]) => ({ key, name: text, points: cumulative(byPath.get(key).buckets) })),
      summary: `Half were told within: ${say((sum) => duration(percentile(sum.buckets, 50)))}`,
    });
    const used = pathSeries(report, (total) => total.cpuSeconds);
    processor.update({ series: used, summary: `In all ${say((sum) => `${figure(sum.cpu)} processor seconds`)}` });
    const { behind = 0, conflated = 0, resets = 0, closed = 0, waiting = 0 } = byPath.get('push') ?? {};
    fill(sums, report.trouble && h('p', { class: 'error' }, report.trouble), named.length > 0 && h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Polling and push in figures' }, h('table', {},
      h('caption', {}, 'The same, added up'),
      h('thead', {}, h('tr', {}, ['how', 'requests', 'nothing new', 'failed', 'bytes', 'to the legacy API', 'told within (median)', '95 %', '99 %'].map((text, index) => h('th', { scope: 'col', class: index ? 'number' : null }, text)))),
      h('tbody', {}, named.map(([key, text]) => {
        const sum = byPath.get(key);
        return h('tr', {}, h('th', { scope: 'row' }, text), [count(sum.requests), key === 'push' ? '–' : share(sum.unchanged, sum.requests), count(sum.errors), bytes(sum.bytes), count(sum.origin),
          ...[50, 95, 99].map((part) => duration(percentile(sum.buckets, part)))].map((value) => h('td', { class: 'number' }, value)));
      })))), (behind > 0 || waiting > 0) && h('p', { class: 'muted' }, `Clients that read slowly: at most ${bytes(waiting)} waited for one; ${count(behind)} fell behind, `
      + `${count(conflated)} messages were left out for them, ${count(resets)} were told to begin anew, ${count(closed)} were closed.`));
  }
}
