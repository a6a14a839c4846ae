// One polled URL, decided: when to poll, when push may be believed, what the state is. What passes over the wire is in PROTOCOL.md.

import { Core, earliest } from './core.js';
import { isCovered } from './state.js';

/** Longest time, in ms, that changes may wait for each other before the state is fetched again. */
const MAX_WAIT = 1000;
/** Quiet time, in ms, after which a burst of changes counts as over. */
const SETTLE = 150;
/** Upper bound, in ms, of the random delay before a fetch that many clients start for the same change. */
const SPREAD = 50;
/** A poll without an answer for this long, in ms, has failed. */
const POLL_TIMEOUT = 30_000;
/** Messages kept for the answer of a fetch that is under way; with more than that it is repeated instead. */
const MAX_HELD = 1000;
/** Positions by which messages that come again are known. */
const MAX_SEEN = 4096;
/** How long, in ms, held polls may go unproven, and how often one is asked plainly, because only those say what to use. */
const PROVING = 10_000;
const ASK_ANEW = 60_000;
/** How long, in ms, messages may lag behind a poll before a difference between the two is drift. */
const GRACE = 2000;
/** When, in ms after the first row change, the state is compared with a poll for the first time: whoever wrote `rows` wants to know soon. */
const FIRST_CHECK = 30_000;

/**
 * Modes: `poll` (told so), `join` (polling until push is proven), `live` (pushed to, no polls), `closed`.
 *
 * Actions: `fetch` (request, headers, timeout), `abort` (request); `want`, `subscribe` (message), `leave`, `forget`, `report` (message): to the connection;
 * `data` (body), `change`, `message`, `drift`, `status`: to the page;
 * `compare` (what to give back): answered by `compared`.
 */
export class Feed extends Core {
    constructor(target, options, now, random) {
        super();
        Object.assign(this, { target, options, random, mode: 'poll', via: null, reason: 'starting', paused: null, feature: null });
        this.pollAt = now;
        this.fetchAt = this.driftAt = this.graceAt = this.hideAt = Infinity;
        this.retryAt = 0; // push is not tried before
        this.asks = []; // requests that are under way, oldest first
        this.text = null; // the last polled body, while nothing else has changed the shown state
        this.etag = null;
        this.body = undefined;
        this.channels = new Map(); // channel -> position of its last message; null: the next one starts the chain
        this.conflated = new Map(); // channel -> position up to which messages were left out: `previous` says nothing
        this.since = null; // everything up to this position is in the shown state
        this.heard = null; // a position up to which every message was told to the page
        this.seen = new Set();
        this.held = []; // messages that came during a fetch: its answer may not have them
        this.dirtyAt = null; // when the first change came that no fetch has been started for
        this.fetchedAt = -Infinity;
        this.hole = 0; // not 0: the shown state lacks messages; row changes are not applied until a fetch that began later is answered
        this.holes = 0; // so far
        this.isShown = false; // within one event, whether the page is to be shown the state
        this.isMade = false; // row changes have made the shown state
        this.isDoubted = false; // they made it differ from the poll: they are not applied any more
        this.doubts = new Set(); // fields that have drifted
        this.firstCheck = options.drift ? FIRST_CHECK : Infinity;
        this.stats = { requests: 0, messages: 0, drifts: 0, lastUpdate: null };
    }

    get wake() { return this.mode === 'closed' ? Infinity : earliest([this.pollAt, this.fetchAt, this.driftAt, this.graceAt, this.hideAt]); }

    /** Everything that an event does to the state is shown once, at its end. */
    on(now, event, ...values) {
        if (this.mode === 'closed') return [];
        this.now = now;
        this[event](...values);
        if (this.isShown) {
            this.isShown = false;
            this.stats.lastUpdate = now;
            this.do('data', this.body);
        }
        const status = this.status;
        const key = JSON.stringify(status);
        if (key !== this.told) { this.told = key; this.do('status', status); }
        // After what the page is told: what the connection answers at once is newer.
        const isLater = ([action]) => action === 'want' || action === 'subscribe';
        return this.out.splice(0).sort((a, b) => isLater(a) - isLater(b));
    }

    get status() {
        const live = this.mode === 'live';
        return { transport: live ? 'push' : 'poll', via: live ? this.via : 'poll', live, reason: this.reason };
    }

    time() {
        if (this.now >= this.hideAt) this.pause('in the background');
        if (this.now >= this.pollAt) {
            this.pollAt = this.now + this.options.interval;
            this.ask({ isDue: true });
        }
        if (this.now >= this.fetchAt) this.ask();
        if (this.now >= this.graceAt) {
            this.graceAt = this.now + GRACE;
            this.do('compare', this.stats.messages);
        }
        if (this.now >= this.driftAt) {
            this.planDrift();
            if (!this.asks.length && !this.hole && this.fetchAt === Infinity) this.ask({ check: true });
        }
    }

    close() {
        this.mode = this.reason = 'closed';
        this.abort();
        this.do('forget');
    }

    /** Nothing is polled and nothing heard until `resume`, which catches up. */
    pause(reason) {
        if (this.paused) return;
        this.paused = reason;
        this.abort();
        this.held = [];
        this.leave(reason);
        this.pollAt = this.fetchAt = this.hideAt = Infinity;
    }

    resume() {
        this.hideAt = Infinity;
        if (!this.paused) return;
        this.paused = null;
        this.reason = 'polling';
        this.pollAt = this.now;
        this.time();
    }

    hidden() {
        if (this.options.background === false) this.resume();
        else this.hideAt = this.now + this.options.background;
    }

    // --- Polling

    /** Gives up the first `count` requests. */
    abort(count) { this.asks.splice(0, count ?? this.asks.length).forEach(each => this.do('abort', each)); }

    /**
     * Fetches the whole state. `check`: to compare, not to show. `isPlain`: the server is not to wait with its answer. `isDue`: even
     * though a request is under way. It may be stuck; of many the oldest is left, for servers that are slow, and the newest.
     */
    ask({ check, isPlain, isDue } = {}) {
        if (this.paused) return;
        if (this.isHolding) this.abort();
        this.fetchAt = Infinity;
        if (this.asks.length > 0 && !isDue) { this.dirtyAt ??= this.now; return; }
        if (this.asks.length > 2) this.do('abort', this.asks.splice(1, 1)[0]);
        const hold = this.holds && !isPlain && this.asks.length === 0
            && (this.isLive ? this.now - this.askedAt < ASK_ANEW : this.now < this.provingUntil && this.now >= this.plainUntil);
        if (!hold) {
            this.askedAt = this.now;
            if (this.isLive) this.pollAt = this.now + this.options.interval;
        }
        this.dirtyAt = null;
        this.fetchedAt = this.now;
        this.stats.requests += 1;
        const headers = {};
        if (this.etag) headers['If-None-Match'] = this.etag;
        // No longer than silence is borne: a wait within that is proof enough.
        const wait = Math.min(25, Math.ceil(this.options.proof * 0.6 / 1000));
        if (hold) {
            headers.Prefer = `wait=${wait}`;
            if (this.since) headers['Doorbell-Position'] = this.since;
        }
        const asked = { hold, check, hole: this.hole };
        this.asks.push(asked);
        this.do('fetch', asked, headers, hold ? Math.max(wait * 1000 + 800, this.options.proof) : POLL_TIMEOUT);
    }

    refresh() { this.ask({ isPlain: true }); }

    get isHolding() { return this.asks[0]?.hold; }

    /** `header`: gives a header's value by its name, or null. */
    answer(asked, status, header, text) {
        // Those that were asked before it know less.
        this.abort(this.asks.indexOf(asked));
        this.asks.shift();
        let isNews;
        const position = header('Doorbell-Position');
        let since = position ?? this.since;
        const known = /^(2|304)/.test(status);
        const isHeld = asked.hold && known && header('Preference-Applied');
        if (known) {
            this.feature = header('Doorbell-Feature') ?? this.feature;
            if (status !== 304) {
                let body;
                try {
                    body = /[/+]json/.test(header('Content-Type') ?? 'application/json') ? JSON.parse(text) : text;
                } catch { return this.unanswered(asked, 'no JSON'); }
                if (asked.check && this.isLive) {
                    this.polled = body;
                    this.polledAt = position;
                    // Within `proof` the connection has shown that nothing is stuck in it, or is doubted.
                    this.graceAt = this.now + GRACE + this.options.proof;
                    since = this.since;
                } else {
                    this.graceAt = Infinity;
                    this.isMade = false;
                    this.etag = header('ETag');
                    isNews = text !== this.text;
                    if (isNews) this.show(body);
                    this.text = text;
                }
            }
            this.since = since;
            if (this.hole === asked.hole) this.hole = 0;
            if (this.mode === 'poll' && this.now >= this.retryAt && this.reason !== 'told to poll') this.reason = 'polling';
        }
        if (!isHeld) this.steer(header('Doorbell-Transport'));
        if (!known) return this.unanswered(asked, `HTTP ${status}`, header('Deprecation'));
        if (this.mode === 'join') this.do('polled', position);
        this.settle(true);
        if (isHeld) this.proven();
        if (this.holds && this.isLive) this.fetchAt = Math.max(this.now, isNews ? this.fetchedAt + MAX_WAIT : 0);
    }

    failed(asked, reason) {
        this.asks = this.asks.filter(each => each !== asked);
        this.unanswered(asked, reason);
    }

    /** `isRetired`: polls are refused; what they would say, a new subscription does. */
    unanswered({ hold, check }, reason, isRetired) {
        this.reason = `poll failed: ${reason}`;
        if (this.mode === 'join') this.do('polled', false);
        this.settle(false);
        if (hold) {
            // A plain poll is the old loop's. What is wrong with held ones, the next one shows.
            if (this.isLive) this.provingUntil = this.now + PROVING;
            this.lost(this.reason);
            this.plainUntil = this.pollAt = this.now + this.options.interval;
            this.ask({ isDue: true });
        } else if (this.isLive && check) {
            if (!this.asks.length) this.pollAt = Infinity;
        } else if (this.isLive) {
            // Nobody else will try again while push is live, and the shown state may be old.
            this.hole ||= ++this.holes;
            // As often as the loop polled.
            if (isRetired && !this.holds && this.now >= this.retryAt) {
                this.retryAt = this.now + this.options.interval;
                this.since = this.heard = null;
                this.open(this.via);
            }
        }
    }

    settle(isKnown) {
        const { held } = this;
        if (!this.asks.length) {
            this.held = [];
            if (this.isLive && isKnown) this.pollAt = Infinity;
        }
        if (isKnown) held.forEach(message => this.apply(message));
        if (this.dirtyAt !== null) this.refetch();
    }

    get isLive() { return this.mode === 'live'; }

    show(body) {
        this.body = body;
        this.isShown = true;
    }

    /** Shows a state that did not come from a poll: the next poll is news even when it says what the last one said. */
    showPushed(body) {
        this.text = this.etag = null;
        this.show(body);
    }

    /** Fetches soon: at once for a first change, then settled, but never later than MAX_WAIT after a change. */
    refetch() {
        this.dirtyAt ??= this.now;
        if (this.asks.length > 0 && !this.isHolding) return;
        const isFirst = this.now - this.fetchedAt >= MAX_WAIT;
        if (isFirst && this.fetchAt <= this.now + SPREAD) return;
        this.fetchAt = this.now + (isFirst ? this.random() * SPREAD
            : Math.max(0, Math.min(SETTLE, this.dirtyAt + MAX_WAIT - this.now)));
    }

    // --- Which transport

    /** Follows what a poll answer says about the transport. */
    steer(use) {
        if (use === 'poll') this.retryAt = 0; // from now on `push` is news
        if (this.options.transport !== 'auto') use = this.options.transport;
        if (use === 'poll') this.leave('told to poll');
        if (use === 'push' && this.mode === 'poll' && !this.paused && this.now >= this.retryAt) {
            this.mode = 'join';
            this.reason = 'connecting';
            this.do('want', this.options.interval, this.options.proof);
        }
    }

    /** The server moved clients of a feature. */
    transport({ feature, use }) {
        // A poll answer that was on its way may still say `push`; it is not to undo this.
        if (feature !== this.feature || this.options.transport !== 'auto') return;
        if (use === 'poll') this.refused('told to poll', ASK_ANEW);
        else if (use === 'push') { this.retryAt = 0; this.steer('push'); }
    }

    leave(reason) {
        this.reason = reason;
        if (this.mode === 'poll') return;
        if (this.isLive) this.poll(this.random() * this.options.interval);
        this.mode = 'poll';
        this.holds = false;
        this.channels.clear();
        this.do('leave');
    }

    poll(delay) {
        this.pollAt = this.now + delay;
        this.driftAt = this.graceAt = Infinity;
    }

    refused(reason, coolDown) {
        this.retryAt = this.now + coolDown;
        if (this.mode !== 'poll') this.leave(reason);
        if (coolDown && this.mode === 'poll') this.reason = reason;
    }

    /** Push is not proven any more. `delay`: ms until the first poll; by default spread: everybody else has lost the same server. */
    lost(reason, delay = this.random() * this.options.interval) {
        this.reason = reason;
        if (!this.isLive) return;
        this.mode = 'join';
        this.poll(delay);
    }

    /** The connection was silent for as long as this feed bears it. */
    quiet() { this.lost('silence', 0); }

    alive() { if (this.mode === 'join' && this.channels.size > 0) this.proven(); }

    proven() {
        if (this.mode !== 'join') return;
        this.mode = 'live';
        this.reason = 'push';
        // What is under way is waited for.
        if (!this.asks.length || this.isHolding) this.pollAt = Infinity;
        this.planDrift();
        if (this.hole && !this.asks.length && this.fetchAt === Infinity) this.refetch();
    }

    /** There is no connection for messages here: held polls, for some time. */
    hold() {
        if (this.mode === 'poll' || (this.isLive && this.holds)) return;
        this.lost('held polls', 0);
        this.channels.clear();
        this.holds = true;
        this.via = 'long-poll';
        this.provingUntil = this.now + PROVING;
        this.plainUntil = 0;
    }

    // --- Push

    /** A connection is there: what to say on it. */
    open(via) {
        if (this.mode === 'poll') return;
        if (this.isLive) this.lost('moving', this.options.interval);
        if (this.isHolding) this.abort();
        this.holds = false;
        this.via = via;
        this.channels.clear();
        this.conflated.clear();
        const { version, events } = this.options;
        this.sent = events && this.heard !== null ? this.heard : this.since;
        this.do('subscribe', {
            type: 'subscribe', poll: this.target, ...(this.sent === null ? {} : { since: this.sent }),
            ...(version === undefined ? {} : { version }), patch: true,
        });
    }

    /** `attached`: another feed has had this subscription already, so there is nothing that was missed in it. */
    subscribed({ channel, position, recovered, snapshot, attached }) {
        this.channels.set(channel, null);
        this.conflated.delete(channel);
        const isWhole = recovered && this.sent !== null && !attached;
        const hasState = !isWhole && snapshot?.status === 200;
        if (hasState) this.hole = 0;
        this.proven();
        if (isWhole) return void (this.heard ??= this.sent);
        this.heard = position ?? null;
        if (!hasState) return this.resync();
        this.isMade = false;
        this.since = position ?? this.since;
        this.showPushed(snapshot.body);
    }

    /** The shown state is not known to be whole: fetch it. What arrives meanwhile is applied on top of the answer. */
    resync() {
        this.hole = ++this.holes;
        this.graceAt = Infinity;
        this.refetch();
    }

    message(message) {
        const { type, channel, position, previous, op } = message;
        this.stats.messages += 1;
        if (type === 'conflated') return void this.conflated.set(channel, message.through);
        const last = this.channels.get(channel);
        this.channels.set(channel, type === 'reset' ? null : position ?? last);
        const isLoose = this.conflated.has(channel);
        if (isLoose && (this.conflated.get(channel) === position || type === 'reset')) this.conflated.delete(channel);
        if (position) {
            const mark = `${channel} ${position}`;
            if (type !== 'reset' && this.seen.has(mark)) return;
            this.seen.add(mark);
            if (this.seen.size > MAX_SEEN) this.seen.delete(this.seen.values().next().value);
            // With several channels only a poll's position covers all of them.
            if (this.channels.size === 1) this.heard = position;
        }
        if (type === 'reset') return this.resync();
        if (op !== undefined) this.do('change', message);
        else if (type === 'message') this.do('message', message);
        if (this.asks.length > 0 && !this.isHolding) this.held.push(message);
        if (this.held.length > MAX_HELD) { this.held = []; this.resync(); }
        if (!isLoose && last != null && previous !== undefined && previous !== last) this.resync();
        else this.apply(message);
    }

    /** Brings the state up to `message`; where only a poll can, the state is believed to lack it until then. */
    apply(message) {
        const { type, op, position } = message;
        const isPlace = position && this.channels.size === 1;
        // What a poll has answered goes on as the state does, until the two are compared.
        if (this.graceAt < Infinity && !isCovered(position, this.polledAt)) {
            this.polled = this.after(this.polled, message);
            if (isPlace) this.polledAt = position;
            if (this.polled === undefined) this.graceAt = Infinity;
        }
        if (isCovered(position, this.since)) return;
        if (this.hole) {
            if (this.fetchAt < Infinity && (op !== undefined || /answer|signal/.test(type))) this.refetch();
            return;
        }
        const body = this.after(this.body, message);
        if (body === undefined) return this.resync();
        if (isPlace) this.since = position;
        if (body === this.body) return;
        this.isMade = op !== undefined;
        if (this.isMade) {
            this.driftAt = Math.min(this.driftAt, this.about(this.firstCheck));
            this.firstCheck = Infinity;
        }
        this.showPushed(body);
    }

    /** A state after a message; undefined where only a poll can tell. */
    after(body, message) {
        const { type, op, status } = message;
        if (type === 'answer') return status < 300 ? message.body : body;
        if (op !== undefined) return this.isDoubted || body === undefined ? undefined : this.options.apply?.(body, message);
        return type === 'signal' ? undefined : body;
    }

    // --- Drift

    about(delay) { return this.now + delay * (0.9 + 0.2 * this.random()); }

    planDrift() { this.driftAt = this.about(this.options.drift || Infinity); }

    /** `reconcile`: of `drift.js`, which few pages ever need. */
    compared(reconcile, messages) {
        // What came meanwhile is there the next time.
        if (this.graceAt === Infinity || messages !== this.stats.messages) return;
        this.graceAt = Infinity;
        reconcile(this);
    }
}
