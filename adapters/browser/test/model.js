// A service in memory: rows behind a polled URL, their change log, and every way to be told of it, each with delays of its own. The network
// in front of it can be told to refuse, to cut and to stall. Time and chance are the page's.

import { canonical } from '../src/drift.js';
import { merged } from '../src/state.js';

export class Model {
    constructor(page, random, mode) {
        Object.assign(this, { page, random, mode });
        this.rows = new Map();
        this.log = []; // of messages, oldest first
        this.lastID = 0;
        this.use = 'push';
        this.refuses = new Set(); // 'websocket', 'events', 'hold', 'poll'
        this.isStalled = false;
        this.listeners = new Set(); // connections that are subscribed
        this.sent = 0; // messages that were put on their way
        page.options_ = page.options;
        page.WebSocket = this.socketClass();
        page.fetch = (url, init) => this.fetch(url, init);
    }

    get position() { return this.log.at(-1)?.position ?? '1.0-0'; }
    get limit() { return 5; }

    /** What the polled URL answers. */
    get body() {
        const items = [...this.rows.values()].sort((a, b) => b.rank - a.rank || b.id - a.id).slice(0, this.limit);
        return this.mode === 'rows' ? { items } : { items, count: this.rows.size };
    }

    later(action) { this.page.options.setTimeout(action, this.random() * 80); }

    /** One change of a row, told to everybody who listens. */
    change() {
        const ids = [...this.rows.keys()];
        const old = ids[Math.floor(this.random() * ids.length)];
        const kind = ids.length < 3 ? 'insert' : ids.length > 9 ? 'delete' : ['insert', 'update', 'delete'][Math.floor(this.random() * 3)];
        const id = kind === 'insert' ? ++this.lastID : old;
        const data = { id, rank: Math.floor(this.random() * 4), text: `t${Math.floor(this.random() * 1000)}` };
        if (kind === 'delete') this.rows.delete(id);
        else this.rows.set(id, data);
        const position = `1.${this.log.length + 1}-${this.log.length + 1}`;
        const base = { channel: 'c', position, previous: this.log.at(-1)?.position ?? null, timestamp: 1 };
        const { body } = this;
        this.log.push(this.mode === 'rows'
            ? { type: 'thing', ...base, version: 1, op: kind, key: { id }, ...(kind === 'delete' ? {} : { data }) }
            : this.mode === 'signal' ? { type: 'signal', ...base } : { type: 'answer', ...base, status: 200, etag: this.tag(body), body });
        this.listeners.forEach(listener => listener.tell(this.log.at(-1)));
        this.held?.forEach(wake => wake());
    }

    tag(body) { return `"${canonical(body)}"`; }

    // --- Polls

    fetch(url, init) {
        if (url.includes('/_doorbell/sse')) return this.events(url, init);
        this.page.requests.push({ url, headers: init.headers, at: this.page.time });
        return new Promise((resolve, reject) => {
            init.signal.addEventListener('abort', () => reject(init.signal.reason));
            if (this.refuses.has('poll')) return this.later(() => resolve(answer(502, 'bad gateway', {})));
            if (this.isStalled) return;
            const wait = Number(/wait=(\d+)/.exec(init.headers.Prefer ?? '')?.[1] ?? 0);
            const isHeld = wait > 0 && !this.refuses.has('hold');
            const position = this.position;
            const give = () => this.later(() => {
                const { body } = this;
                const etag = this.tag(body);
                const headers = {
                    'Doorbell-Position': isHeld ? this.given ?? position : position, 'Doorbell-Feature': 'f', ETag: etag,
                    ...(isHeld ? { 'Preference-Applied': `wait=${wait}` } : { 'Doorbell-Transport': this.use }),
                };
                const reply = init.headers['If-None-Match'] === etag ? answer(304, '', headers) : answer(200, JSON.stringify(body), headers);
                this.later(() => resolve(reply));
            });
            if (!isHeld || init.headers['If-None-Match'] !== this.tag(this.body)) return give();
            this.held ??= new Set();
            const done = () => { this.held.delete(done); give(); };
            this.held.add(done);
            this.page.options.setTimeout(() => { if (this.held.has(done)) done(); }, wait * 1000);
        });
    }

    // --- Connections: what a subscription is told, in order, each message some time after it was put on its way

    connection(say) {
        const model = this;
        const queue = [];
        let isBusy = false;
        return {
            isOpen: true, known: undefined,
            put(message) {
                queue.push(message);
                if (isBusy) return;
                isBusy = true;
                const next = () => {
                    if (!this.isOpen) return;
                    if (model.isStalled) return void model.page.options.setTimeout(next, 50);
                    if (queue.length === 0) { isBusy = false; return; }
                    const together = queue.splice(0, 1 + Math.floor(model.random() * queue.length));
                    for (const each of together) if (this.isOpen) say(each);
                    model.page.options.setTimeout(next, model.random() * 20);
                };
                model.page.options.setTimeout(next, model.random() * 40);
            },
            tell(message) {
                model.sent += 1;
                if (model.mode === 'answer' && this.patches && this.known) {
                    const patch = difference(this.known, message.body);
                    const base = model.tag(this.known);
                    this.known = message.body;
                    const { body, ...rest } = message;
                    return this.put({ ...rest, patch, base });
                }
                this.known = message.body;
                this.put(message);
            },
            subscribe({ since, id, patch }) {
                this.patches = patch;
                const from = model.log.findIndex(each => each.position === since);
                const isKnown = since === '1.0-0' || from >= 0;
                const missed = model.log.slice(from + 1);
                const reply = { type: 'subscribed', channel: 'c', position: model.position, recovered: isKnown, version: 1, id };
                if (model.mode === 'answer') {
                    this.known = undefined;
                    this.put(reply);
                    if (missed.length > 0) this.tell({ ...missed.at(-1), previous: since });
                } else {
                    this.put(isKnown ? reply : { ...reply, snapshot: { status: 200, body: model.body } });
                    if (isKnown) missed.forEach(each => this.put(each));
                }
                model.listeners.add(this);
            },
            close() { this.isOpen = false; model.listeners.delete(this); },
        };
    }

    socketClass() {
        const model = this;
        return class {
            constructor() {
                this.readyState = 0;
                model.page.sockets.push(this);
                this.line = model.connection(message => this.onmessage({ data: JSON.stringify(message) }));
                model.later(() => {
                    if (this.readyState !== 0) return;
                    if (model.refuses.has('websocket')) return this.end(1006);
                    this.readyState = 1;
                    this.line.put({ type: 'welcome', session: 's', heartbeat: 5, protocol: 1, resumed: false });
                    this.onopen({});
                });
            }

            send(text) {
                const message = JSON.parse(text);
                if (model.isStalled) return;
                // In the order in which they were sent.
                this.arrives = Math.max(this.arrives ?? 0, model.page.time + model.random() * 80);
                model.page.options.setTimeout(() => {
                    if (!this.line.isOpen) return;
                    if (message.type === 'ping') this.line.put({ type: 'pong' });
                    if (message.type === 'subscribe') this.line.subscribe(message);
                    if (message.type === 'unsubscribe') model.listeners.delete(this.line);
                }, this.arrives - model.page.time);
            }

            end(code) {
                this.line.close();
                this.readyState = 3;
                this.onclose({ code, reason: '' });
            }

            close() {
                this.line.close();
                this.readyState = 3;
            }
        };
    }

    async events(url, { signal }) {
        if (this.refuses.has('events')) return answer(502, '', {});
        const query = new URL(url).searchParams;
        const chunks = [];
        let [take, fail] = [null, null];
        const give = () => { if (take && chunks.length > 0) { const deliver = take; take = null; deliver(chunks.shift()); } };
        const line = this.connection(message => {
            chunks.push({ done: false, value: new TextEncoder().encode(`data: ${JSON.stringify(message)}\n\n`) });
            give();
        });
        line.end = () => { line.close(); chunks.push({ done: true }); give(); };
        signal.addEventListener('abort', () => { line.close(); fail?.(new Error('aborted')); });
        line.put({ type: 'welcome', session: 's', heartbeat: 5, protocol: 1, resumed: false });
        line.subscribe({ since: query.get('since') ?? undefined });
        const reader = { read: () => new Promise((resolve, reject) => { take = resolve; fail = reject; give(); }) };
        return { status: 200, headers: new Headers({ 'Content-Type': 'text/event-stream' }), body: { getReader: () => reader } };
    }

    /** Every connection ends. */
    cut() {
        for (const socket of this.page.sockets) if (socket.readyState === 1) socket.end(1006);
        this.listeners.forEach(line => line.end?.());
    }

    /** The rollout moves the client. */
    move(use) {
        this.use = use;
        this.listeners.forEach(line => line.put({ type: 'transport', feature: 'f', use }));
    }
}

function answer(status, text, headers) {
    return { status, ok: status < 300, headers: new Headers({ 'Content-Type': 'application/json', ...headers }), text: async () => text };
}

/** A merge patch that makes `is` of `was`. */
function difference(was, is) {
    const patch = {};
    for (const name of Object.keys(was)) if (!(name in is)) patch[name] = null;
    for (const [name, value] of Object.entries(is)) if (canonical(value) !== canonical(was[name])) patch[name] = value;
    if (canonical(merged(was, patch)) !== canonical(is)) throw new Error('the model is wrong');
    return patch;
}
