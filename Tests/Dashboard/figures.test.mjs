// What the dashboard makes of figures: `node --test Tests/Dashboard/`. The modules have no imports, so they load from their text.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';

const folder = new URL('../../Sources/DoorbellDashboard/Files/', import.meta.url);
const load = async (name) => import(`data:text/javascript,${encodeURIComponent(await readFile(new URL(name, folder), 'utf8'))}`);
const figures = await load('figures.js');
const format = await load('format.js');

test('a long series is thinned to its bound, keeps its mean and its gaps', () => {
  const points = Array.from({ length: 10_000 }, (_, at) => [at, 3]);
  points.fill([0, null], 5000, 6000);
  const thin = figures.thin(points);
  assert.ok(thin.length <= figures.maximumPoints && thin.length > 250);
  assert.deepEqual(new Set(thin.map(([, value]) => value)), new Set([3, null]));
  assert.equal(figures.thin(points.slice(0, 300)).length, 300);
});

test('what was not counted is zero, and the point that is not over yet is left out', () => {
  const report = { from: 600, until: 645, step: 10 };
  const point = (at, requests) => ({ at, total: { requests } });
  assert.deepEqual(figures.rates(report, [point(610, 50), point(640, 7)], (total) => total.requests), [[600, 0], [610, 5], [620, 0], [630, 0]]);
});

test('cohorts of a path are added up, and percentiles come from the buckets', () => {
  const line = (feature, cohort, requests, staleness) => ({
    feature, cohort, path: 'poll', staleness,
    total: { requests, unchanged: 1, errors: 0, bytesUp: 10, bytesDown: 20, originRequests: 3, cpuSeconds: 0.5, told: 2 },
  });
  const lines = [line('a', 'poll', 5, [{ upTo: 1, count: 90 }]), line('a', 'push', 7, [{ upTo: 1, count: 9 }, { upTo: 4, count: 1 }]), line('b', 'poll', 100, [])];
  const sum = figures.totals(lines, 'a').get('poll');
  assert.equal(sum.requests, 12);
  assert.equal(sum.bytes, 60);
  assert.deepEqual(figures.cumulative(sum.buckets), [[1, 99], [4, 100]]);
  assert.equal(figures.percentile(sum.buckets, 50), 1);
  assert.equal(figures.percentile(sum.buckets, 99.5), 4);
  assert.equal(figures.percentile(new Map(), 50), null);
  assert.equal(figures.totals(lines).get('poll').requests, 112);
});

test('what waited for slow clients: the most of any line, the rest added up; none where a line says nothing of it', () => {
  const line = (buffers) => ({ feature: 'a', path: 'push', staleness: [], total: { requests: 1, unchanged: 0, errors: 0, bytesUp: 0, bytesDown: 0, originRequests: 0, cpuSeconds: 0, told: 1, buffers } });
  const sum = figures.totals([line({ waitingBytes: 10, behind: 1, conflated: 2, resets: 3, closed: 4 }), line({ waitingBytes: 7, behind: 1, conflated: 1, resets: 1, closed: 1 }), line()]).get('push');
  assert.deepEqual([sum.waiting, sum.behind, sum.conflated, sum.resets, sum.closed], [10, 2, 3, 4, 5]);
});

test('rates are of one run of the service only', () => {
  const look = (now, messagesSent, started = 'a') => ({ now: new Date(now * 1000).toISOString(), started, messagesSent, polls: 0, sentBytes: 0 });
  assert.equal(figures.between(look(10, 100), look(12, 150)).messages, 25);
  assert.equal(figures.between(look(10, 100), look(12, 150, 'b')), null);
  assert.equal(figures.between(look(10, 100), look(100, 150)), null);
  assert.equal(figures.between(look(10, 100), look(10, 100)), null);
});

test('what a step does is said for each stage', () => {
  const feature = { stage: 'canary', percent: 20, hasGate: true };
  assert.match(figures.consequences(feature, 'canary', 5).join(' '), /^5 % of the clients.*go back to polling.*gate goes on/);
  assert.match(figures.consequences(feature, 'canary', 50).join(' '), /stay with it/);
  assert.match(figures.consequences(feature, 'observe').join(' '), /told to poll.*gate stops/);
  for (const stage of ['observe', 'shadow', 'canary', 'push', 'retired']) assert.ok(figures.consequences(feature, stage, 1).length >= 3);
});

test('two answers are compared line by line', () => {
  const difference = figures.lineDifference('{\n a\n b\n c\n}', '{\n a\n x\n c\n d\n}');
  assert.deepEqual(difference, [[' ', '{'], [' ', ' a'], ['-', ' b'], ['+', ' x'], [' ', ' c'], ['+', ' d'], [' ', '}']]);
  assert.deepEqual(figures.lineDifference('a', 'a'), [[' ', 'a']]);
  const long = (mark) => Array.from({ length: 3000 }, (_, line) => `${mark}${line}`).join('\n');
  assert.equal(figures.lineDifference(long('a'), long('b')).length, 6000);
  assert.equal(figures.pretty('{"a":1}'), '{\n  "a": 1\n}');
  assert.equal(figures.pretty('{"a":1…'), '{"a":1…');
});

test('events are read out of any pieces', () => {
  const text = ': watching\n\nevent: change\ndata: {"a":1}\n\n:\n\nevent: dropped\ndata: {"dropped":4}\n\n';
  for (const size of [1, 7, 1000]) {
    const read = figures.eventReader();
    const events = [];
    for (let at = 0; at < text.length; at += size) events.push(...read(text.slice(at, at + size)));
    assert.deepEqual(events, [{ event: 'change', data: '{"a":1}' }, { event: 'dropped', data: '{"dropped":4}' }]);
  }
});

test('figures are short, and nothing is written as if it were known', () => {
  assert.deepEqual([0, 0.004, 0.5, 3.14159, 12.7, 12_345].map(format.figure), ['0', '0.004', '0.5', '3.1', '13', '12,345']);
  assert.deepEqual([0, 999, 1500, 2.5e9].map(format.bytes), ['0 B', '999 B', '1.5 kB', '2.5 GB']);
  assert.deepEqual([0, 0.0005, 0.0042, 0.25, 2.34, 59, 3661].map(format.duration), ['0 ms', '500 µs', '4.2 ms', '250 ms', '2.3 s', '59 s', '1 h 1 min']);
  assert.deepEqual([undefined, null, NaN].map(format.figure), ['–', '–', '–']);
  assert.deepEqual([undefined, null].map(format.duration), ['–', '–']);
  assert.equal(format.share(1, 0), '–');
  assert.equal(format.stage('canary', 12.5), 'canary 12.5 %');
});
