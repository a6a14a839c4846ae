// What the feeds of a page share, decided: the connection, the subscriptions on it, and which kind of connection it is.
//
// The ladder: a WebSocket, then event streams, then held polls; under all of them the feeds poll. A rung is given up when nothing has been
// heard on it by a deadline, however often it has failed until then. A slow timer begins anew at the top.

import { Core, earliest } from './core.js';
import { Link } from './link.js';
import { isCovered, merged } from './state.js';

/** How long, in ms, a kind of connection has for a first message before the next kind is tried. */
const LADDER = 10_000;
/** Time, in ms, until the best kind is tried again: doubles from the first to the second. */
const CLIMB = [60_000, 600_000];
/** Event streams or held polls at a time: with HTTP/1.1 a browser opens six connections to a host, and some have to be left for the others. */
const STREAMS = 4;
/** How long, in ms, a refused subscription is left alone; the same for errors that pass by themselves. */
const COOL_DOWN = 60_000;
const SHORT_COOL_DOWN = 10_000;
const PASSING = ['not_live', 'upstream_unavailable', 'unavailable'];

/**
 * Actions beside those of the links: `tell` (feed, event, …) and `tellAll`: see the events of `Feed`; `stale`: the token is not good any more.
 * Feeds, links and subscriptions go by names; `rungs` are `websocket`, `events` and `hold`, best first.
 */
export class Mux extends Core {
    /** `renews`: whether there are new tokens to be had. */
    constructor(rungs, random, renews) {
        super();
        Object.assign(this, { rungs, random, renews });
        this.feeds = new Map(); // name -> {interval, proof, isQuiet, subscription}, of those that want messages now
        this.links = new Map();
        this.socket = null; // the link that is a WebSocket
        this.rung = 0;
        this.failAt = this.climbAt = Infinity;
        this.isProven = false; // something was heard on this rung since its last connection was lost
        this.climbs = 0; // in vain
        this.last = 0;
    }

    get wake() {
        const { proof } = this;
        return earliest([this.failAt, this.climbAt, ...this.all.map(link => link.wake),
            ...[...this.feeds.values()].map(feed => feed.isQuiet ? Infinity : this.quietAt(feed, proof))]);
    }

    get kind() { return this.rungs[this.rung]; }
    /** ms of silence that the most impatient feed bears. */
    get proof() { return earliest([...this.feeds.values()].map(feed => feed.proof)); }
    get interval() { return Math.max(0, ...[...this.feeds.values()].map(feed => feed.interval)); }

    time() {
        for (const link of this.all) if (this.now >= link.wake) link.time();
        const { proof } = this;
        for (const [name, feed] of this.feeds) {
            if (!feed.isQuiet && this.now >= this.quietAt(feed, proof)) { feed.isQuiet = true; this.tell(name, 'quiet'); }
        }
        if (this.now >= this.failAt) this.descend();
        if (this.now >= this.climbAt) this.climb();
    }

    tell(name, event, ...values) { this.do('tell', name, event, ...values); }
    tellWanting(event, ...values) { this.feeds.forEach((_, name) => this.tell(name, event, ...values)); }

    // --- What feeds say

    want(name, interval, proof) {
        this.feeds.set(name, { interval, proof, isQuiet: false, subscription: null });
        if (this.climbAt === Infinity) this.planClimb();
        if (this.isOpen) this.socket.planPing();
        this.serve(name);
    }

    /** Gives a feed what this rung has for it. */
    serve(name) {
        if (this.kind !== 'websocket' && [...this.feeds.keys()].indexOf(name) >= STREAMS) return;
        if (this.kind === 'hold') return this.tell(name, 'hold');
        if (!this.isProven) this.failAt = Math.min(this.failAt, this.now + LADDER);
        if (this.kind === 'events') return this.tell(name, 'open', 'events');
        this.socket ??= this.add('websocket');
        if (this.isOpen) this.tell(name, 'open', 'websocket');
        else this.socket.connect();
    }

    add(kind, feed = null) {
        const link = new Link(this, `l${++this.last}`, kind);
        Object.assign(link, { feed, subscriptions: new Set(), answers: new Map() });
        this.links.set(link.id, link);
        return link;
    }

    remove(link) {
        link.drop();
        this.links.delete(link.id);
    }

    /** What a feed says when it was told `open`. */
    subscribe(name, message) {
        const feed = this.feeds.get(name);
        if (!feed) return;
        this.detach(name);
        if (this.kind === 'events') {
            const link = this.all.find(each => each.feed === name) ?? this.add('events', name);
            link.drop();
            feed.subscription = this.subscription(link, name);
            return link.connect(message);
        }
        if (!this.isOpen) return;
        const link = this.socket;
        const key = JSON.stringify([message.poll, message.version]);
        const other = [...link.subscriptions].find(each => each.key === key);
        feed.subscription = other ?? this.subscription(link, name, key, message);
        if (!other) return this.do('send', link.id, { ...message, id: feed.subscription.id });
        const { since } = message;
        const known = other.channels.size === 1 ? other.last : other.from ?? other.message.since;
        const isNew = since === undefined;
        other.users.set(name, isNew);
        // What comes next is all that it lacks.
        if (isCovered(known, since)) other.channels.forEach(channel => this.attach(channel, [name], true));
        else if (other.channels.size === 0) other.from = since;
        else {
            // All go on from where this one is; the others know what comes again. Or all are given the state.
            if (isNew) other.users.forEach((_, each) => other.users.set(each, true));
            this.again(other, since);
        }
    }

    /** `users`: feed -> whether it is new there and misses nothing; `last`: position of the last message; `from`: see `again`. */
    subscription(link, name, key, message) {
        const made = { link, key, message, id: `s${++this.last}`, users: new Map([[name, false]]), channels: new Set(), awaits: null, last: message?.since };
        link.subscriptions.add(made);
        return made;
    }

    /** Feeds that join in a subscription. Where the channel is new to them, they have nothing of it. */
    attach(channel, names, recovered) { names.forEach(name => this.tell(name, 'subscribed', { channel, recovered, attached: !recovered })); }

    leave(name) {
        this.detach(name);
        this.feeds.delete(name);
        for (const link of this.all) {
            if (link.feed === name || this.feeds.size === 0) this.remove(link);
        }
        if (this.feeds.size > 0) return;
        this.socket = null;
        this.failAt = this.climbAt = Infinity;
        this.isProven = false;
    }

    detach(name) {
        const feed = this.feeds.get(name);
        const subscription = feed?.subscription;
        if (!subscription) return;
        feed.subscription = null;
        subscription.users.delete(name);
        if (subscription.users.size > 0) return;
        subscription.link.subscriptions.delete(subscription);
        subscription.channels.forEach(channel => this.release(subscription.link, channel, subscription.id));
    }

    /** Ends what the server sends on `channel`, unless somebody listens there. */
    release(link, channel, id) {
        if ([...link.subscriptions].some(each => each.channels.has(channel))) return;
        link.answers.delete(channel);
        if (link.kind === 'websocket' && link.state === 'open') this.do('send', link.id, { type: 'unsubscribe', channel, id });
    }

    /** Something that is said, and that nothing depends on. */
    report(message) { if (this.isOpen) this.do('send', this.socket.id, message); }

    get isOpen() { return this.socket?.state === 'open'; }
    get all() { return [...this.links.values()]; }

    /** The service has answered a poll, or has not: only then silence is the rung's fault. */
    polled(isAnswered) {
        if (this.feeds.size === 0 || this.isProven || this.kind === 'hold') return;
        // Whoever waits to try again is given the time after that.
        const next = Math.max(this.now, ...this.all.map(link => link.state === 'waiting' ? link.at : 0));
        this.failAt = isAnswered ? Math.min(this.failAt, next + LADDER) : Infinity;
    }

    /** Other rungs from now on: this page has begun, or ceased, to connect for other tabs. */
    replace(rungs) {
        this.rungs = rungs;
        this.move(0, 'another tab connects');
    }

    // --- What connections say

    opened(id) {
        const link = this.links.get(id);
        if (link?.state !== 'connecting') return;
        link.opened();
        if (link === this.socket) this.tellWanting('open', 'websocket');
    }

    /** Something came on a connection, such as a comment. */
    beat(id) {
        const link = this.links.get(id);
        if (link?.state !== 'open') return;
        link.hear();
        this.isProven = true;
        this.failAt = Infinity;
        if (this.rung === 0) this.climbs = 0;
        for (const [name, feed] of this.feeds) {
            if (!feed.isQuiet || feed.subscription?.link !== link) continue;
            feed.isQuiet = false;
            this.tell(name, 'alive');
        }
    }

    heard(id, message) {
        const link = this.links.get(id);
        if (link?.state !== 'open') return;
        this.beat(id);
        if (message !== null && typeof message === 'object') this.dispatch(link, message);
    }

    closed(id, code, reason) { this.links.get(id)?.closed(code, reason); }

    /** When the silence is more than `feed` bears. Event streams cannot be asked whether they live: they beat once a heartbeat. */
    quietAt({ proof, subscription }, least) {
        const link = subscription?.link;
        if (link?.state !== 'open') return Infinity;
        if (link.kind === 'events') return link.heardAt + Math.max(proof, 2 * link.heartbeat);
        // Timers are late in the background: whoever was asked late may answer late.
        return Math.max(link.heardAt + proof, (link.pingedAt ?? this.now) + 0.4 * least);
    }

    linkAsks(link) {
        if (link.feed) this.tell(link.feed, 'open', 'events');
        else link.connect();
    }

    /** A connection is lost, or refused; its feeds are told so. */
    lose(link, ...event) {
        link.subscriptions.clear();
        link.answers.clear();
        this.isProven = this.all.some(each => each.state === 'open');
        for (const [name, feed] of [...this.feeds]) {
            if (link.feed && link.feed !== name) continue;
            this.reset(feed);
            this.tell(name, ...event);
        }
    }

    reset(feed) { Object.assign(feed, { subscription: null, isQuiet: false }); }

    // --- The ladder

    move(rung, reason) {
        this.tellWanting('lost', reason);
        this.links.forEach(link => this.remove(link));
        this.feeds.forEach(feed => this.reset(feed));
        this.socket = null;
        this.rung = rung;
        this.isProven = false;
        this.failAt = this.climbAt = Infinity;
        this.planClimb();
        this.feeds.forEach((_, name) => this.serve(name));
    }

    descend() {
        this.failAt = Infinity;
        if (this.rung + 1 < this.rungs.length) this.move(this.rung + 1, `no ${this.kind} here`);
    }

    /** Spread out: whatever brought this page down has brought others down. */
    planClimb() {
        if (this.rung > 0) this.climbAt = this.now + Math.min(CLIMB[1], CLIMB[0] * 2 ** this.climbs) * (0.75 + 0.5 * this.random());
    }

    climb() {
        this.climbs += 1;
        this.move(0, 'trying again');
    }

    // --- Messages

    dispatch(link, message) {
        const { type, id, channel, code } = message;
        const named = [...link.subscriptions].filter(each => link.feed || (id != null ? each.id === id : each.channels.has(channel)));
        const tell = (subscription, event, ...values) => subscription.users.forEach((_, name) => this.tell(name, event, ...values));
        if (type === 'welcome' || type === 'refreshed' || type === 'goodbye') link[type](message);
        else if (type === 'closed') link.closed(code, message.reason);
        else if (type === 'batch') message.messages?.forEach(each => { if (each) this.dispatch(link, each); });
        else if (type === 'transport') this.do('tellAll', type, message);
        else if (type === 'subscribed') {
            const { etag, body } = message.snapshot ?? {};
            if (etag) link.answers.set(channel, { etag, body });
            for (const subscription of named) {
                subscription.channels.add(channel);
                if (subscription.from !== undefined) { this.again(subscription, subscription.from); continue; }
                subscription.users.forEach((attached, name) => this.tell(name, 'subscribed', { ...message, attached }));
                subscription.users.forEach((_, name) => subscription.users.set(name, false));
            }
            link.subscriptions.forEach(each => { if (each.awaits === channel) this.share(each, [channel]); });
            if (named.length === 0) this.release(link, channel, id);
        } else if (code === 'already_subscribed') {
            const other = [...link.subscriptions].find(each => each.channels.has(channel));
            named.forEach(each => { if (other) this.share(each, other.channels); else each.awaits = channel; });
        } else if (type === 'error' || type === 'unsubscribed') {
            for (const each of named) {
                each.channels.delete(channel);
                tell(each, 'refused', message.message ?? message.reason ?? type, PASSING.includes(code) ? SHORT_COOL_DOWN : COOL_DOWN);
            }
        } else if (channel !== undefined) {
            const meant = link.feed ? named : [...link.subscriptions].filter(each => each.channels.has(channel));
            const whole = type === 'answer' ? this.answered(link, message) : message;
            if (type !== 'answer') link.answers.delete(channel);
            meant.forEach(each => { each.last = message.position ?? each.last; });
            if (whole) meant.forEach(each => tell(each, 'message', whole));
            else meant.forEach(each => this.again(each));
        }
    }

    share(subscription, channels) {
        subscription.awaits = null;
        for (const channel of channels) {
            subscription.channels.add(channel);
            this.attach(channel, [...subscription.users.keys()]);
        }
    }

    /** An answer with its whole body; null when it is a patch to something else than what is here. */
    answered(link, message) {
        const { channel, patch, base, etag } = message;
        const known = link.answers.get(channel);
        if (message.body === undefined && (!known || known.etag !== base)) return null;
        const body = message.body === undefined ? merged(known.body, patch) : message.body;
        if (etag) link.answers.set(channel, { etag, body });
        else link.answers.delete(channel);
        return { ...message, body };
    }

    /** Subscribes anew: from a position, or for a whole answer. */
    again(subscription, from) {
        if (!subscription.key) return;
        const { link, id, channels, message: { since, ...message } } = subscription;
        subscription.channels = new Set();
        channels.forEach(channel => this.release(link, channel, id));
        subscription.from = undefined;
        subscription.id = `s${++this.last}`;
        subscription.message = from === undefined ? message : { ...message, since: from };
        this.do('send', link.id, { ...subscription.message, id: subscription.id });
    }
}
