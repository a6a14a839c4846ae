// `live(url, {interval, onData})`: a drop-in for a polling loop. Carries out what a `Feed` decides.

import { Feed } from './feed.js';
import { armed, Page } from './page.js';

/** Follows `url`. The options and what comes back are described in `doorbell.d.ts`. */
export function live(url, given = {}) {
    // What is undefined is not given.
    const options = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    const env = environment(options);
    const { onChange, onMessage, apply } = options;
    const interval = options.interval > 0 ? Number(options.interval) : 3000;
    const all = {
        transport: 'auto', background: 30_000, drift: 300_000,
        auth: options.token ? 'bearer' : 'cookie', ...options, interval, proof: Math.max(1000, options.proof ?? interval),
        events: Boolean(onChange ?? onMessage), apply: apply && ((...values) => attempt(apply, ...values)),
    };
    const target = new URL(url, env.document?.baseURI ?? globalThis.location?.href);
    const page = Page.of(env, target, all);
    // Until it is loaded, the state is fetched after a change.
    if (options.rows && !apply) page.more().then(({ applied }) => { all.apply = (...values) => attempt(applied, ...values, options.rows); }, () => {});
    const core = new Feed(target.pathname + target.search, all, env.now(), env.random);
    const requests = new Map(); // what the feed asked -> its request
    const iterators = new Set(); // called when there is a state, or none any more
    let [timer, waiting] = [null, []];

    const shell = {
        fetch: ask,
        abort(asked) {
            requests.get(asked)?.();
            requests.delete(asked);
        },
        want: (...values) => page.on('want', name, ...values),
        subscribe: message => page.on('subscribe', name, message),
        polled: isAnswered => page.on('polled', isAnswered),
        report: message => page.on('report', message),
        leave: () => page.on('leave', name),
        forget() {
            page.remove(name);
            rest();
            iterators.forEach(wake => wake());
        },
        data(body) {
            if (options.onData) attempt(options.onData, structuredClone(body));
            iterators.forEach(wake => wake());
        },
        change: message => onChange && attempt(onChange, structuredClone(message)),
        message: message => attempt(onMessage, message),
        compare: messages => page.more().then(({ reconcile }) => on('compared', reconcile, messages), () => on('compared', () => {}, messages)),
        drift: (...values) => attempt(options.onDrift ?? console.warn, ...values),
        status: status => attempt(options.onStatus, status),
    };

    function on(event, ...values) {
        for (const [action, ...rest] of core.on(env.now(), event, ...values)) {
            shell[action](...rest);
            if (core.mode === 'closed' && event !== 'close') break; // by what was called
        }
        timer = armed(env, timer, core.wake, () => on('time'));
    }

    function ask(asked, headers, timeout) {
        const controller = new AbortController();
        const late = env.setTimeout(() => {
            page.stale(); // what does not come may be the token
            done('failed', 'no answer');
            controller.abort();
        }, timeout);
        requests.set(asked, () => { env.clearTimeout(late); controller.abort(); });
        const done = (event, ...values) => {
            env.clearTimeout(late);
            if (!requests.delete(asked)) return;
            on(event, asked, ...values);
            if (requests.size === 0) rest();
        };
        const send = async () => {
            // Without a token nothing is waited for: the poll leaves as the old loop's did.
            const authorization = all.token && await page.authorization();
            return env.fetch(target.href, {
                headers: { Accept: 'application/json', ...headers, ...authorization, ...options.headers }, cache: 'no-store',
                credentials: all.credentials, signal: controller.signal,
            });
        };
        (async () => {
            let response = await send();
            if (response.status === 401 && all.token) {
                page.stale();
                response = await send();
            }
            const text = response.status === 304 ? '' : await response.text();
            done('answer', response.status, name => response.headers.get(name), text);
        })().catch(error => done('failed', error?.message ?? String(error)));
    }

    function rest() { waiting.splice(0).forEach(resolve => resolve()); }

    const name = page.add(on);
    on('time');
    if (page.isHidden) on('hidden');

    return {
        close: () => on('close'),
        refresh: () => new Promise(resolve => {
            if (core.mode === 'closed' || core.paused) return resolve();
            waiting.push(resolve);
            on('refresh');
        }),
        get status() { return core.status; },
        get transport() { return core.status.transport; },
        get stats() { return { ...core.stats }; },
        /** The shown state, and each one that follows; a reader that is slow gets the newest. */
        async* [Symbol.asyncIterator]() { yield* (await page.more()).states(core, iterators); },
    };
}

/** Calls the page's own code: its mistakes are shown and stay its own. What it may change is a copy, as each poll's body was. */
function attempt(callback, ...values) {
    try { return callback?.(...values); } catch (error) { console.error(error); }
}

/** What the adapter takes from its surroundings; each can be given as an option, as tests do. */
function environment(options) {
    const { document, WebSocket, BroadcastChannel, navigator, performance } = globalThis;
    const take = name => globalThis[name].bind(globalThis);
    return {
        WebSocket, BroadcastChannel, document, window: document && globalThis, locks: navigator?.locks, random: Math.random,
        // Unlike Date.now, this is never set back.
        now: () => performance.timeOrigin + performance.now(),
        fetch: take('fetch'), setTimeout: take('setTimeout'), clearTimeout: take('clearTimeout'), ...options,
    };
}
