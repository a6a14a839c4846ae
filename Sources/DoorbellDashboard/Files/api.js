// Talks to the admin port that this page came from: figures, actions, and whether it is there at all.

const root = new URL('../', document.baseURI);
const patience = 10_000; // milliseconds
const longPatience = 90_000; // of reports: the database has a minute for them
const longestPause = 15; // seconds
const events = new EventTarget();

/** The service has said no, and why. */
export class Refused extends Error {
  constructor(status, failure) {
    super(failure?.message ?? `the service answered ${status}`);
    this.status = status;
    this.code = failure?.code ?? '';
    this.hint = failure?.hint ?? '';
  }
}

/** Nobody has answered. */
export class Away extends Error {}

// MARK: The token. It lives as long as the tab, and is never part of a URL.

const tokenKey = 'doorbell-admin-token';

export function token() {
  return sessionStorage.getItem(tokenKey);
}

export function setToken(text) {
  if (text) sessionStorage.setItem(tokenKey, text);
  else sessionStorage.removeItem(tokenKey);
  events.dispatchEvent(new Event('token'));
}

function headers(shown) {
  return shown ? { Authorization: `Bearer ${shown}` } : {};
}

// MARK: Requests

/**
 * `lastAnswer`: when the service answered last; `since`: since when it has not, null while it does (Dates). `refused`: what it answers, but not
 * with figures: why, by path.
 */
export const health = { lastAnswer: null, since: null, refused: new Map() };

/** For a new page, which asks for other things. */
export function forgetRefused() {
  health.refused.clear();
  events.dispatchEvent(new Event('health'));
}

function answered() {
  const wasAway = health.since;
  health.lastAnswer = new Date();
  health.since = null;
  if (wasAway) events.dispatchEvent(new Event('health'));
}

function silent() {
  if (health.since) return;
  health.since = health.lastAnswer ?? new Date();
  events.dispatchEvent(new Event('health'));
}

async function request(path, options, shown) {
  let response;
  try {
    response = await fetch(new URL(path, root), {
      cache: 'no-store', credentials: 'omit', redirect: 'error', ...options,
      headers: { ...headers(shown), ...options.headers },
    });
  } catch (error) {
    if (options.signal?.aborted && options.signal.reason?.name !== 'TimeoutError') throw error;
    silent();
    throw new Away('the service does not answer');
  }
  answered();
  const isFigures = !options.method && !['access', 'tail'].includes(path.split('?')[0]);
  const place = path.split('?')[0];
  if (response.ok) {
    if (isFigures && health.refused.delete(place)) events.dispatchEvent(new Event('health'));
    return response;
  }
  const body = await response.json().catch(() => null);
  const refusal = new Refused(response.status, body?.error);
  if (response.status === 401) {
    events.dispatchEvent(new Event('locked'));
  } else if (isFigures && !health.refused.has(place) && !options.signal?.aborted) {
    health.refused.set(place, `${refusal.message}${refusal.hint ? ` (${refusal.hint})` : ''}`);
    events.dispatchEvent(new Event('health'));
  }
  throw refusal;
}

function timed(signal, path = '') {
  return AbortSignal.any([AbortSignal.timeout(path.startsWith('comparison') ? longPatience : patience), ...(signal ? [signal] : [])]);
}

/** JSON of a path such as `parity/orders?…`. Throws Refused, Away, or an AbortError. */
export async function get(path, signal, shown = token()) {
  const response = await request(path, { signal: timed(signal, path) }, shown);
  try {
    return await response.json();
  } catch (error) {
    if (signal?.aborted) throw error;
    silent();
    throw new Away('the answer broke off');
  }
}

export async function post(path, body) {
  const response = await request(path, {
    method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' }, signal: timed(),
  }, token());
  return response.json();
}

/** A stream of text, in pieces, until it ends or `signal` says so. */
export async function* stream(path, signal) {
  const response = await request(path, { signal }, token());
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

// MARK: Again and again

/** 'health', 'token', 'locked'. Returns what ends it. */
export function on(name, action) {
  events.addEventListener(name, action);
  return () => events.removeEventListener(name, action);
}

/**
 * Does `task(signal)` now and every so many seconds, while the page can be seen and `signal` does not end it. Further and further apart
 * while it fails; at once when the service is back, the page is seen again, or what is returned is called.
 */
export function every(seconds, task, signal) {
  let timer = null;
  let failures = 0;
  let running = false;
  let wanted = false;

  async function run() {
    clearTimeout(timer);
    timer = null;
    if (running) {
      wanted = true;
      return;
    }
    if (signal.aborted || document.hidden) return;
    running = true;
    wanted = false;
    try {
      await task(signal);
      failures = 0;
    } catch (error) {
      if (!(error instanceof Away || error instanceof Refused || signal.aborted)) console.error(error);
      failures += 1;
    }
    running = false;
    if (signal.aborted) return;
    if (wanted) {
      run();
      return;
    }
    const pause = failures ? Math.min(longestPause, Math.max(1, seconds) * 2 ** (failures - 1)) * (0.75 + Math.random() / 2) : seconds;
    timer = setTimeout(run, pause * 1000);
  }

  const back = () => {
    if (!health.since && failures) run();
  };
  const seen = () => {
    if (!document.hidden) run();
  };
  for (const name of ['health', 'token']) events.addEventListener(name, back, { signal });
  document.addEventListener('visibilitychange', seen, { signal });
  signal.addEventListener('abort', () => clearTimeout(timer));
  run();
  return run;
}
