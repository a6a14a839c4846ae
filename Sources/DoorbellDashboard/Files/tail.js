// What changes and who is told, as it happens.

import { h, fill, field, badge } from './dom.js';
import { stream, on, Away, Refused } from './api.js';
import { store, onStatus } from './store.js';
import { bytes, clock, count, duration } from './format.js';
import { eventReader } from './figures.js';

export const title = 'Live tail';

const kept = 200;

export function open(main, _, signal) {
  const feature = h('select', {}, h('option', { value: '' }, 'all features'));
  const channel = h('input', { type: 'search', 'data-filter': true, autocomplete: 'off', spellcheck: 'false' });
  const pause = h('button', { type: 'button', 'aria-pressed': 'false' }, 'Pause');
  const clear = h('button', { type: 'button' }, 'Clear');
  const state = h('p', { class: 'muted', role: 'status' });
  const body = h('tbody');
  const empty = h('p', { class: 'empty' }, 'Nothing has changed since this page was opened.');
  const heads = ['At', 'Feature', 'Channel', 'Type', 'Position', 'Size', 'Captured', 'Told', 'Content'];
  const known = new Map();
  let paused = false;
  let missed = 0;
  let dropped = 0;
  let watching = null;

  fill(main, h('header', {}, h('h1', { tabindex: -1 }, 'Live tail')),
    h('div', { class: 'bar' }, field('Feature', feature), field('Channel begins with', channel), pause, clear), state,
    h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Changes, the newest first' }, h('table', {},
      h('caption', {}, 'Changes, the newest first'),
      h('thead', {}, h('tr', {}, heads.map((name) => h('th', { scope: 'col', class: name === 'Size' ? 'number' : null }, name)))), body), empty),
    h('p', { class: 'muted' }, 'Captured and Told: since the commit. At most 50 lines a second; content is shown to those who have given the admin token, because it may be personal.'));

  onStatus(() => {
    if (feature.options.length > 1) return;
    feature.append(...store.status.features.map((each) => h('option', {}, each.name)));
  }, signal);
  feature.addEventListener('change', watch);
  let typing = null;
  channel.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(watch, 400);
  });
  pause.addEventListener('click', () => {
    paused = !paused;
    pause.setAttribute('aria-pressed', String(paused));
    pause.textContent = paused ? 'Go on' : 'Pause';
    if (!paused) missed = 0;
    say();
  });
  clear.addEventListener('click', () => {
    known.clear();
    fill(body);
    empty.hidden = false;
  });
  const off = [on('token', watch)];
  signal.addEventListener('abort', () => {
    off.forEach((end) => end());
    watching?.abort();
  });
  // A tab that nobody looks at needs no stream.
  document.addEventListener('visibilitychange', () => (document.hidden ? stop('Not watching while the page is hidden.') : watch()), { signal });
  watch();

  function stop(text) {
    watching?.abort();
    watching = null;
    say(text);
  }

  async function watch() {
    watching?.abort();
    if (signal.aborted || document.hidden) return;
    const control = new AbortController();
    watching = control;
    dropped = 0;
    const query = new URLSearchParams();
    if (feature.value) query.set('feature', feature.value);
    if (channel.value.trim()) query.set('channel', channel.value.trim());
    for (let failures = 0; !control.signal.aborted; failures += 1) {
      try {
        say('Connecting …');
        const read = eventReader();
        for await (const piece of stream(`tail?${query}`, control.signal)) {
          failures = 0;
          say();
          for (const each of read(piece)) take(each);
        }
        say('The stream has ended; beginning again …');
      } catch (error) {
        if (control.signal.aborted) return;
        say(error instanceof Refused ? `Refused: ${error.message}. ${error.hint}` : 'The service does not answer; trying again …');
        if (!(error instanceof Away || error instanceof Refused)) console.error(error);
      }
      await new Promise((resolve) => setTimeout(resolve, Math.min(15, 2 ** failures) * 1000 * (0.75 + Math.random() / 2)));
    }
  }

  function say(text) {
    const parts = [text ?? (paused ? `Paused; ${count(missed)} lines have passed.` : 'Watching.')];
    if (dropped) parts.push(`${count(dropped)} lines were too many and are not shown.`);
    const all = parts.join(' ');
    if (state.textContent !== all) state.textContent = all;
  }

  function take({ event, data }) {
    const line = JSON.parse(data);
    if (event === 'dropped') {
      dropped = line.dropped;
      say();
    } else if (paused) {
      missed += 1;
      say();
    } else {
      show(line);
    }
  }

  /** A change and what was told of it are one row: they have a channel and a position in common. */
  function show(line) {
    const id = `${line.channel} ${line.position}`;
    let entry = known.get(id);
    if (!entry) {
      entry = { clients: 0, cells: heads.map((name, index) => h('td', { class: [2, 8].includes(index) ? 'wide mono' : index === 5 ? 'number' : index === 4 ? 'mono tight' : 'tight' })) };
      entry.row = h('tr', {}, entry.cells);
      known.set(id, entry);
      body.prepend(entry.row);
      empty.hidden = true;
      const set = (index, value) => fill(entry.cells[index], value);
      set(0, clock(new Date(line.at)));
      set(1, h('a', { href: `#/features/${encodeURIComponent(line.feature)}` }, line.feature));
      set(2, line.channel);
      set(3, [badge(line.type === 'reset' ? 'warn' : 'plain', line.type), line.operation && ` ${line.operation}`]);
      set(4, line.position);
      set(7, 'nobody');
      while (known.size > kept) {
        const [oldest, { row }] = known.entries().next().value;
        row.remove();
        known.delete(oldest);
      }
    }
    if (line.kind === 'change') {
      fill(entry.cells[5], bytes(line.bytes));
      fill(entry.cells[6], duration(line.lag));
      fill(entry.cells[8], line.content ?? '');
    } else {
      entry.clients += line.clients;
      fill(entry.cells[7], `${count(entry.clients)} client${entry.clients === 1 ? '' : 's'}, ${duration(line.lag)}`);
    }
  }
}
