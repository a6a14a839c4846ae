// The frame around the pages: which one is open, keyboard, theme, token, and whether the service is there.

import { h, fill, announce, setText } from './dom.js';
import { forgetRefused, health, on, setToken, token } from './api.js';
import { start, store, onStatus, learnAccess } from './store.js';
import { clock } from './format.js';
import { askForToken } from './token.js';
import * as overview from './overview.js';
import * as features from './features.js';
import * as feature from './feature.js';
import * as connections from './connections.js';
import * as tail from './tail.js';
import * as audit from './audit.js';

const main = document.querySelector('#main');
const pages = { '': overview, features, connections, tail, audit };
const lifetime = new AbortController().signal;
let current = null;

// MARK: Pages

function route(isFirst = false) {
  current?.abort();
  current = new AbortController();
  forgetRefused();
  const [name = '', argument] = location.hash.replace(/^#\/?/, '').split('/').map(decode);
  const page = name === 'features' && argument ? feature : pages[name] ?? overview;
  page.open(main, argument, current.signal);
  const title = typeof page.title === 'function' ? page.title(argument) : page.title;
  document.title = `${title} · Doorbell`;
  const address = `#/${name in pages ? name : ''}`;
  for (const link of document.querySelectorAll('nav a')) {
    if (link.getAttribute('href') === address) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  if (isFirst) return;
  window.scrollTo(0, 0);
  main.querySelector('h1')?.focus({ preventScroll: true });
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// MARK: Whether the figures are of now

const banner = document.querySelector('#banner');
const freshness = document.querySelector('#freshness');
const oldAfter = 8; // seconds without a new status

function drawFreshness() {
  const seconds = store.at ? (Date.now() - store.at) / 1000 : null;
  const isAway = health.since !== null;
  const isOld = isAway || (seconds !== null && seconds > oldAfter);
  const dot = freshness.querySelector('.dot');
  dot.className = `dot ${isAway ? 'bad' : seconds === null ? '' : isOld ? 'warn' : store.status?.isLive === false ? 'warn' : 'good'}`;
  setText(freshness.querySelector('.text'), seconds === null ? (isAway ? 'No answer' : 'Connecting …') : isOld ? `Figures of ${clock(store.at)}` : 'Up to date');
  main.classList.toggle('stale', isOld);
}

let wasAway = false;

function drawHealth() {
  if (health.since) {
    fill(banner, h('p', {}, health.lastAnswer
      ? `The service has not answered since ${clock(health.since)}. What you see is from then; it is being tried again.`
      : 'The service does not answer. It is being tried again.'));
  } else {
    if (wasAway) {
      announce('The service answers again.');
      learnAccess().then(drawToken);
    }
    const reasons = [...new Set(health.refused.values())].join(' ');
    if (banner.textContent !== (reasons && `Some of this is not current: ${reasons}`)) fill(banner, reasons && h('p', {}, `Some of this is not current: ${reasons}`));
  }
  wasAway = health.since !== null;
  drawFreshness();
}

on('health', drawHealth);
setInterval(drawFreshness, 1000);
document.addEventListener('visibilitychange', drawFreshness);

// MARK: Token

const tokenButton = document.querySelector('#token-button');

function drawToken() {
  setText(tokenButton, store.access && !store.access.isTokenConfigured ? 'Read only' : store.access?.canAct ? 'Unlocked' : 'Unlock actions');
}

tokenButton.addEventListener('click', () => askForToken());
on('token', drawToken);
let isAsked = false;
on('locked', () => {
  // What was kept is no longer the token, or reading needs it, too.
  if (token()) setToken(null);
  store.access = { canAct: false, isTokenConfigured: true };
  drawToken();
  // Here even reading needs it. Who cancels is not asked again and again.
  if (!store.status && !isAsked) askForToken(() => location.reload());
  isAsked = true;
});

// MARK: Theme

const themeKey = 'doorbell-theme';
const themeButton = document.querySelector('#theme-button');

function drawTheme() {
  const chosen = localStorage.getItem(themeKey) ?? 'system';
  document.documentElement.dataset.theme = chosen;
  setText(themeButton, `Theme: ${chosen}`);
}

function nextTheme() {
  const order = ['system', 'light', 'dark'];
  localStorage.setItem(themeKey, order[(order.indexOf(localStorage.getItem(themeKey) ?? 'system') + 1) % order.length]);
  drawTheme();
}

themeButton.addEventListener('click', nextTheme);

// MARK: Keyboard

const places = { o: '', f: 'features', c: 'connections', t: 'tail', a: 'audit' };
const helpText = [
  ['?', 'this list'], ['g o', 'overview'], ['g f', 'features'], ['g c', 'connections'], ['g t', 'live tail'], ['g a', 'audit log'],
  ['/', 'find on this page'], ['m', 'move the feature that is open'], ['d', 'next theme'], ['Esc', 'close a dialog'],
];
let isGoing = false;

function help() {
  if (document.querySelector('dialog[open]')) return;
  const dialog = h('dialog', { 'aria-labelledby': 'help-title' }, h('h2', { id: 'help-title' }, 'Keyboard'),
    h('dl', { class: 'facts' }, helpText.map(([keys, text]) => [h('dt', {}, keys.split(' ').map((key) => [h('kbd', {}, key), ' '])), h('dd', {}, text)])),
    h('form', { method: 'dialog', class: 'buttons' }, h('button', { type: 'submit', class: 'main' }, 'Close')));
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

document.querySelector('#help-button').addEventListener('click', help);
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
  if (event.target.matches('input:not([type="radio"]), textarea, select')) return;
  if (isGoing) {
    isGoing = false;
    if (event.key in places) location.hash = `#/${places[event.key]}`;
    return;
  }
  const actions = {
    '?': help,
    '/': () => main.querySelector('[data-filter]')?.focus(),
    m: () => main.querySelector('#move:not(:disabled)')?.click(),
    d: nextTheme,
    g: () => { isGoing = true; },
  };
  if (!(event.key in actions)) return;
  event.preventDefault();
  actions[event.key]();
});

// MARK: Begin

document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});
drawTheme();
addEventListener('hashchange', () => route());
start(lifetime);
let wasLive = null;
onStatus(() => {
  const { isLive } = store.status;
  if (wasLive !== null && wasLive !== isLive) announce(isLive ? 'Capture is live again.' : 'Capture is not live.');
  wasLive = isLive;
  drawFreshness();
}, lifetime);
learnAccess().then(drawToken);
route(true);
