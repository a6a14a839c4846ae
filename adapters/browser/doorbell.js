// Live data for a page that polls today: `live(url, {interval, onData})` polls exactly as before until the server says
// that push may be used, and polls again whenever push cannot be proven to work. No dependencies, no build step.
//
// Two small state machines decide: `FEED` here, one per polled URL, and `SOCKET` in `socket.js`, one per origin. The
// classes only carry out what the tables say. What passes over the wire is in PROTOCOL.md.

import { Socket, transition } from './socket.js';

/** Longest time, in ms, that changes may wait for each other before the state is fetched again. */
const MAX_WAIT = 1000;
/** Quiet time, in ms, after which a burst of changes counts as over. */
const SETTLE = 150;
/** Upper bound, in ms, of the random delay before a fetch that many clients start for the same change. */
const SPREAD = 50;
/** A request without an answer for this long, in ms, has failed. */
const TIMEOUT = 30_000;
/** Messages kept while a fetch is under way; with more than that the fetch is repeated instead. */
const MAX_HELD = 1000;

/** A feed: `polling` (told so), `joining` (polling until push is proven), `live` (push only), `closed`. */
export const FEED = {
    polling: { push: ['joining', 'join'], close: ['closed', 'stop'] },
    joining: {
        subscribed: ['live', 'rest'], refused: ['polling', 'leave'], poll: ['polling', 'leave'],
        close: ['closed', 'stop'],
    },
    live: {
        lost: ['joining', null], refused: ['polling', 'leave'], poll: ['polling', 'leave'],
        close: ['closed', 'stop'],
    },
    closed: {},
};

/** Follows `url`. The options and what comes back are described in `doorbell.d.ts`. */
export function live(url, options = {}) {
    const feed = new Feed(url, options);
    return {
        close: () => feed.on('close'),
        refresh: () => feed.fetch(),
        get status() { return feed.status(); },
        get transport() { return feed.status().transport; },
        get stats() { return { ...feed.stats }; },
    };
}

let lastID = 0;

class Feed {
    constructor(url, options) {
        this.url = new URL(url, globalThis.location?.href);
        this.target = this.url.pathname + this.url.search;
        this.options = { interval: 3000, transport: 'auto', onData() {}, onStatus() {}, ...options };
        this.env = environment(options);
        this.state = 'polling';
        this.id = null; // of the subscription; a new one for each join, so that late answers to an old one are known
        this.feature = null;
        this.conflated = new Map(); // channel -> position up to which messages were left out: `previous` says nothing
        this.awaits = null; // a channel that another feed of the page is about to be subscribed to
        this.channels = new Map(); // channel -> position of its last message; null: the next one starts the chain
        this.since = null; // a position that the shown state is not older than
        this.retryAt = 0; // push is not tried before
        this.text = null; // the last polled body, while nothing else has changed the shown state
        this.etag = null;
        this.body = undefined;
        this.held = null; // messages that came during a fetch, to be applied on top of its answer
        this.dirtySince = null; // when the first change came that no fetch has been started for
        this.fetchedAt = -Infinity;
        this.hole = false; // the shown state lacks messages: row changes are dropped until the next fetch begins
        this.stats = { requests: 0, messages: 0, lastUpdate: null };
        this.reason = 'starting';
        this.tick();
    }

    on(event, reason) {
        const before = this.state;
        const [state, action] = transition(FEED, this.state, event);
        this.state = state;
        if (reason) this.reason = reason;
        if (action === 'join') Socket.shared(this).join(this);
        if (action === 'leave' || action === 'stop') this.socket?.leave(this, action === 'stop');
        if (action === 'rest' || action === 'stop') this.env.clearTimeout(this.pollTimer);
        if (action === 'stop') { this.env.clearTimeout(this.fetchTimer); this.abort?.abort(); }
        // Spread over the interval: everybody else has lost the same server.
        if (before === 'live' && state !== 'live' && state !== 'closed') {
            this.arm(this.env.random() * this.options.interval);
        }
        this.tell();
    }

    status() {
        return { transport: this.state === 'live' ? 'push' : 'poll', live: this.state === 'live', reason: this.reason };
    }

    tell() {
        const status = this.status();
        const key = JSON.stringify(status);
        if (key === this.told || (this.state === 'closed' && this.told === undefined)) return;
        this.told = key;
        attempt(this.options.onStatus, status);
    }

    // --- Polling

    tick() {
        if (this.state === 'live' || this.state === 'closed') return;
        this.arm(this.options.interval);
        if (!this.fetching) this.fetch();
    }

    arm(delay) {
        this.env.clearTimeout(this.pollTimer);
        this.pollTimer = this.env.setTimeout(() => this.tick(), delay);
    }

    /** Fetches the whole state; a call during a fetch joins it only when nothing has changed since that began. */
    fetch() {
        if (this.state === 'closed') return Promise.resolve();
        if (this.fetching) { this.dirtySince ??= this.env.now(); return this.fetching; }
        this.env.clearTimeout(this.fetchTimer);
        this.fetchTimer = null;
        this.dirtySince = null;
        this.fetchedAt = this.env.now();
        this.hole = false;
        this.held = [];
        this.stats.requests += 1;
        this.fetching = this.request().then(() => true, error => error).then(result => {
            this.fetching = null;
            if (this.state === 'closed') return;
            const held = this.held;
            this.held = null;
            if (result === true) {
                held.forEach(message => this.apply(message));
            } else {
                this.reason = `poll failed: ${result?.message ?? result}`;
                this.tell();
                // Nobody else will try again while push is live, and the shown state may be old.
                if (this.state === 'live') { this.hole = true; this.later(this.options.interval); return; }
            }
            if (this.dirtySince !== null) this.refetch();
        });
        return this.fetching;
    }

    async request() {
        this.abort = new AbortController();
        const timer = this.env.setTimeout(() => this.abort.abort(new Error('no answer')), TIMEOUT);
        try {
            const headers = { Accept: 'application/json', ...this.options.headers };
            if (this.etag) headers['If-None-Match'] = this.etag;
            const response = await this.env.fetch(this.url.href, {
                headers, cache: 'no-store', credentials: this.options.credentials ?? 'same-origin',
                signal: this.abort.signal,
            });
            const text = response.status === 304 ? null : await response.text();
            if (this.state === 'closed') return;
            const header = name => response.headers.get(name);
            if (response.status !== 304 && !response.ok) {
                this.steer(header('Doorbell-Transport'));
                throw new Error(`HTTP ${response.status}`);
            }
            this.feature = header('Doorbell-Feature') ?? this.feature;
            this.since = header('Doorbell-Position') ?? this.since;
            if (text !== null) {
                this.etag = header('ETag');
                if (text !== this.text) {
                    const json = /[/+]json/.test(header('Content-Type') ?? 'application/json');
                    this.show(json ? JSON.parse(text) : text);
                    this.text = text;
                }
            }
            if (this.state === 'polling' && this.env.now() >= this.retryAt && this.reason !== 'told to poll') {
                this.reason = 'polling';
            }
            this.steer(header('Doorbell-Transport'));
            this.tell();
        } finally {
            this.env.clearTimeout(timer);
        }
    }

    /** Follows what a poll answer says about the transport. */
    steer(use) {
        if (use === 'poll') this.retryAt = 0; // from now on `push` is news
        if (this.options.transport !== 'auto') use = this.options.transport;
        if (use === 'poll') this.on('poll', 'told to poll');
        if (use === 'push' && this.env.now() >= this.retryAt) this.on('push', 'connecting');
    }

    /** The page has chosen push, whatever the server says. */
    get insists() { return this.options.transport === 'push'; }

    /** The server has said over the socket that push may be used again. */
    invite() {
        this.retryAt = 0;
        this.steer('push');
    }

    show(body) {
        this.body = body;
        this.stats.lastUpdate = this.env.now();
        attempt(this.options.onData, body);
    }

    /** Shows a state that did not come from a poll: the next poll is news even when it says what the last one said. */
    showPushed(body) {
        this.text = this.etag = null;
        this.show(body);
    }

    /** Fetches soon: at once for a first change, then settled, but never later than MAX_WAIT after a change. */
    refetch() {
        const now = this.env.now();
        this.dirtySince ??= now;
        if (this.fetching) return;
        const first = now - this.fetchedAt >= MAX_WAIT;
        this.later(first ? this.env.random() * SPREAD : Math.min(SETTLE, this.dirtySince + MAX_WAIT - now));
    }

    later(delay) {
        if (this.fetchTimer && delay <= SPREAD) return; // a fetch is about to start already
        this.env.clearTimeout(this.fetchTimer);
        this.fetchTimer = this.env.setTimeout(() => { this.fetchTimer = null; this.fetch(); }, Math.max(0, delay));
    }

    // --- Push

    subscription() {
        this.id = `f${++lastID}`;
        this.channels.clear();
        this.conflated.clear();
        this.awaits = null;
        this.sentSince = this.since;
        const version = this.options.version === undefined ? {} : { version: this.options.version };
        const since = this.since === null ? {} : { since: this.since };
        return { type: 'subscribe', poll: this.target, ...since, ...version, id: this.id };
    }

    subscribed(message) {
        this.channels.set(message.channel, null);
        this.on('subscribed', 'push');
        if (message.recovered && this.sentSince !== null) return;
        if (message.snapshot?.status === 200) this.showPushed(message.snapshot.body);
        else this.resync();
    }

    /** Listens in on channels that another feed of the page has subscribed to. */
    attach(channels) {
        channels.forEach(channel => this.channels.set(channel, null));
        this.awaits = null;
        this.on('subscribed', 'push');
        this.resync();
    }

    /** The shown state is not known to be whole: fetch it. What arrives meanwhile is applied on top of the answer. */
    resync() {
        this.hole = true;
        this.refetch();
    }

    receive(message) {
        this.stats.messages += 1;
        if (message.type === 'conflated') return void this.conflated.set(message.channel, message.through);
        const last = this.channels.get(message.channel);
        this.channels.set(message.channel, message.position ?? last);
        const isLoose = this.conflated.has(message.channel);
        if (isLoose && this.conflated.get(message.channel) === message.position) this.conflated.delete(message.channel);
        if (message.type === 'reset') {
            this.channels.set(message.channel, null);
            this.conflated.delete(message.channel);
            return this.resync();
        }
        if (!isLoose && last !== null && message.previous !== undefined && message.previous !== last) return this.resync();
        if (!this.held) return this.apply(message);
        if (this.held.length < MAX_HELD) return this.held.push(message);
        this.held = [];
        this.resync();
    }

    apply(message) {
        // With several channels only a poll's position covers all of them.
        if (this.channels.size === 1 && message.position) this.since = message.position;
        if (message.type === 'message' && message.op === undefined) {
            if (this.options.onMessage) attempt(this.options.onMessage, message);
            return;
        }
        if (this.hole) return;
        if (message.type === 'answer' && message.body !== undefined) return this.showPushed(message.body);
        if (message.op === undefined) {
            if (message.type === 'signal' || message.type === 'answer') this.refetch();
            return;
        }
        const body = this.options.onChange ? attempt(this.options.onChange, message, this.body) : false;
        if (body === false) return this.refetch();
        this.text = this.etag = null;
        if (body !== undefined) this.show(body);
        else this.stats.lastUpdate = this.env.now();
    }
}

/** Calls the page's own code: its mistakes are shown and stay its own. `false`: it threw. */
function attempt(callback, ...values) {
    try { return callback(...values); } catch (error) {
        (globalThis.reportError ?? console.error)(error);
        return false;
    }
}

class NoWebSocket { constructor() { throw new Error('none here'); } }

/** What the adapter takes from its surroundings; each can be given as an option, as tests do. */
function environment(options) {
    const take = (name, fallback) => options[name] ?? globalThis[name]?.bind?.(globalThis) ?? fallback;
    return {
        WebSocket: options.WebSocket ?? globalThis.WebSocket ?? NoWebSocket,
        fetch: take('fetch'), setTimeout: take('setTimeout'), clearTimeout: take('clearTimeout'),
        now: options.now ?? (() => Date.now()), random: options.random ?? Math.random,
    };
}
