// What every page shows of: the newest status, and the last minutes of live rates.

import { between } from './figures.js';
import { get, every } from './api.js';

const kept = 300; // looks

export const store = {
  status: null,
  /** When it came. */
  at: null,
  /** `{ canAct, isTokenConfigured }`. */
  access: null,
  /** [{ at: seconds, messages, polls, bytes } or { at, gap: true }] */
  live: [],
};

const events = new EventTarget();
let refresh = () => {};

/** Calls `action` now, if there is a status, and after each look, until `signal`. */
export function onStatus(action, signal) {
  events.addEventListener('status', action, { signal });
  if (store.status) action();
}

export function refreshStatus() {
  refresh();
}

export function start(signal) {
  refresh = every(2, async (stop) => {
    const status = await get('status', stop);
    const before = store.status;
    const at = Date.parse(status.now) / 1000;
    if (before) {
      const rates = between(before, status);
      store.live.push(rates ? { at, ...rates } : { at, gap: true });
      if (store.live.length > kept) store.live.shift();
    }
    store.status = status;
    store.at = new Date();
    events.dispatchEvent(new Event('status'));
  }, signal);
}

export async function learnAccess() {
  store.access = await get('access').catch((error) => ({ canAct: false, isTokenConfigured: error.status === 401 }));
}
