// A page without a browser: a clock that only moves when told, a server that answers from a script, and sockets whose
// other end is the test.

/** `DOORBELL_CLIENT=served/client.js` runs the same tests on what a service serves. */
const client = process.env.DOORBELL_CLIENT ?? 'doorbell.js';
export const { live } = await import(`../${client}`);
// What is loaded when it is needed is there at once in a test, whose time stands still.
await import(client === 'doorbell.js' ? '../src/more.js' : '../served/more.js');
export { mayReconnect } from '../src/link.js';

export class Page {
    /** `browser`: the one whose tab it is; its tabs have one clock. */
    constructor(browser) {
        this.browser = browser;
        this.clock = browser?.clock ?? { time: 0, timers: new Map(), nextTimer: 1 };
        const owner = this;
        if (browser) this.ownChannel = class extends browser.BroadcastChannel { page = owner; };
        this.requests = [];
        this.sockets = [];
        this.streams = [];
        this.statuses = [];
        this.bodies = [];
        /** What the next poll is answered with; `null` leaves it unanswered until `answer()`. */
        this.reply = { body: { n: 0 } };
        this.pending = [];
        this.randomValue = 0.5;
        this.document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
        this.window = new EventTarget();
        const page = this;
        this.WebSocket = class extends FakeSocket {
            constructor(url, protocols) {
                super(url, protocols);
                page.sockets.push(this);
            }
        };
    }

    get options() {
        return {
            interval: 3000,
            onData: body => this.bodies.push(body),
            onStatus: status => this.statuses.push(status),
            WebSocket: this.WebSocket, document: this.document, window: this.window,
            fetch: (url, init) => this.fetch(url, init),
            setTimeout: (callback, delay) => {
                this.timers.set(this.clock.nextTimer, { callback, due: this.time + Math.max(0, delay), page: this });
                return this.clock.nextTimer++;
            },
            clearTimeout: timer => this.timers.delete(timer),
            ...(this.browser && { BroadcastChannel: this.ownChannel, locks: this.browser.locks(this) }),
            now: () => this.time,
            random: () => this.randomValue,
        };
    }

    fetch(url, init) {
        if (/_doorbell[/]sse/.test(url)) return this.listen(url, init);
        this.requests.push({ url, headers: init.headers, at: this.time, signal: init.signal });
        return new Promise((resolve, reject) => {
            const answer = reply => reply instanceof Error ? reject(reply) : resolve(response(reply));
            init.signal?.addEventListener('abort', () => reject(init.signal.reason));
            if (this.reply === null) this.pending.push(answer);
            else Promise.resolve(typeof this.reply === 'function' ? this.reply(url, init) : this.reply).then(answer, reject);
        });
    }

    /** A request for events: a stream whose other end is the test, unless `noEvents` says with what it is refused. */
    async listen(url, init) {
        if (this.noEvents) return response({ status: this.noEvents });
        const stream = new FakeStream(url, init);
        this.streams.push(stream);
        return { status: 200, headers: new Headers({ 'Content-Type': 'text/event-stream' }), body: { getReader: () => stream } };
    }

    /** The tab is `visible` or `hidden` from now on. */
    show(state) {
        this.document.visibilityState = state;
        this.document.dispatchEvent(new Event('visibilitychange'));
    }

    /** Answers the oldest poll that waits. */
    async answer(reply) {
        this.pending.shift()(reply);
        await settle();
    }

    /** Moves the clock, running what falls due in order and letting promises settle in between. */
    async pass(milliseconds) {
        const end = this.time + milliseconds;
        await settle();
        for (;;) {
            const due = [...this.timers].filter(([, timer]) => timer.due <= end).sort((a, b) => a[1].due - b[1].due)[0];
            if (!due) break;
            this.timers.delete(due[0]);
            this.clock.time = due[1].due;
            due[1].callback();
            await settle();
        }
        this.clock.time = end;
    }

    get time() { return this.clock.time; }
    get timers() { return this.clock.timers; }

    get socket() { return this.sockets.at(-1); }
    get stream() { return this.streams.at(-1); }
    get lastStatus() { return this.statuses.at(-1); }
}

/** What tabs of one browser have in common: a clock, channels and locks. */
export class Browser {
    constructor() {
        this.clock = { time: 0, timers: new Map(), nextTimer: 1 };
        this.held = new Map(); // lock -> requests, the first of which has it
        this.slow = new Set(); // tabs whose requests for locks take longer than what they say to other tabs
        const channels = this.channels = new Set();
        this.BroadcastChannel = class {
            constructor(name) { this.name = name; channels.add(this); }
            postMessage(data) {
                const copy = structuredClone(data);
                for (const other of channels) {
                    if (other !== this && other.name === this.name) queueMicrotask(() => { if (channels.has(other)) other.onmessage?.({ data: copy }); });
                }
            }
            close() { channels.delete(this); }
        };
    }

    tab() { return new Page(this); }

    locks(page) {
        return {
            request: (name, ...rest) => {
                const callback = rest.pop();
                const request = { page, name, callback };
                request.done = new Promise((resolve, reject) => {
                    request.end = resolve;
                    rest[0]?.signal?.addEventListener('abort', () => { if (!request.runs) { this.release(request); reject(new Error('aborted')); } });
                });
                const arrive = () => {
                    if (!this.held.has(name)) this.held.set(name, []);
                    this.held.get(name).push(request);
                    this.grant(name);
                };
                if (this.slow.has(page)) page.options.setTimeout(arrive, 1);
                else arrive();
                return request.done;
            },
        };
    }

    grant(name) {
        const [first] = this.held.get(name);
        if (!first || first.runs) return;
        first.runs = true;
        queueMicrotask(async () => {
            await first.callback({ name });
            this.release(first);
            first.end();
        });
    }

    release(request) {
        const queue = this.held.get(request.name);
        if (queue.includes(request)) queue.splice(queue.indexOf(request), 1);
        this.grant(request.name);
    }

    /** Nothing of the tab runs until it is `thawed`; it keeps its locks, and what is said to it waits. */
    freeze(page) {
        page.frozen = [...this.clock.timers].filter(([, timer]) => timer.page === page);
        page.frozen.forEach(([timer]) => this.clock.timers.delete(timer));
        for (const channel of this.channels) {
            if (channel.page !== page) continue;
            const { onmessage } = channel;
            channel.waiting = [];
            channel.onmessage = message => channel.waiting.push(message);
            channel.thaw = () => { channel.onmessage = onmessage; channel.waiting.forEach(message => onmessage(message)); };
        }
    }

    thaw(page) {
        page.frozen.forEach(([timer, value]) => this.clock.timers.set(timer, value));
        for (const channel of [...this.channels]) if (channel.page === page) channel.thaw();
    }

    /** The tab's process ends: nothing of it runs any more, and its locks are free. */
    crash(page) {
        for (const [timer, { page: owner }] of this.clock.timers) if (owner === page) this.clock.timers.delete(timer);
        for (const channel of [...this.channels]) if (channel.page === page) this.channels.delete(channel);
        for (const queue of this.held.values()) queue.filter(each => each.page === page).forEach(each => this.release(each));
    }
}

/** A poll answer of a feature that may be pushed. */
export function pushed(body, position = '1.1-1', extra = {}) {
    const headers = { 'Doorbell-Transport': 'push', 'Doorbell-Position': position, 'Doorbell-Feature': 'f', ...extra };
    return { body, headers };
}

export const URL_ = 'http://app.test/api/things?limit=5';

/** A feed whose push is live on channel `things`; the poll's position was 1.1-1. */
export async function livePage(options = {}) {
    const page = new Page();
    page.reply = pushed({ n: 0 });
    const feed = live(URL_, { ...page.options, ...options });
    await page.pass(0);
    page.socket.open();
    await subscribed(page);
    return { page, feed };
}

export async function subscribed(page, extra = {}) {
    const id = page.socket.of('subscribe').at(-1).id;
    page.socket.say({ type: 'subscribed', channel: 'things', position: '1.1-1', recovered: true, version: 1, id, ...extra });
    await page.pass(0);
}

export function change(position, previous, op = 'insert', data = { id: 1 }) {
    return { type: 'thing', channel: 'things', version: 1, position, previous, op, key: { id: 1 }, data, timestamp: 1 };
}

class FakeSocket {
    constructor(url, protocols) {
        Object.assign(this, { url, protocols, readyState: 0, sent: [], closedWith: null });
    }

    /** Answers pings, unless it `stalls`. */
    send(text) {
        const message = JSON.parse(text);
        this.sent.push(message);
        if (message.type === 'ping' && !this.stalls) this.say({ type: 'pong' });
    }

    close(code) {
        this.readyState = 3;
        this.closedWith = code;
    }

    // The server's side.
    open() {
        this.readyState = 1;
        this.onopen?.({});
        this.say({ type: 'welcome', session: 's', heartbeat: 25, protocol: 1, resumed: false });
    }

    say(message) { this.onmessage?.({ data: typeof message === 'string' ? message : JSON.stringify(message) }); }

    end(code, reason = '') {
        this.readyState = 3;
        this.onclose?.({ code, reason });
    }

    of(type) { return this.sent.filter(message => message.type === type); }
}

class FakeStream {
    constructor(url, { headers, signal }) {
        Object.assign(this, { url: new URL(url), headers, chunks: [], isClosed: false });
        signal.addEventListener('abort', () => { this.isClosed = true; this.fail?.(new Error('aborted')); });
    }

    read() {
        return new Promise((resolve, reject) => {
            this.take = resolve;
            this.fail = reject;
            this.give();
        });
    }

    give() {
        if (!this.take || this.chunks.length === 0) return;
        const value = this.chunks.shift();
        const { take } = this;
        this.take = null;
        take(value === null ? { done: true } : { done: false, value: new TextEncoder().encode(value) });
    }

    // The server's side.
    send(text) { this.chunks.push(text); this.give(); }
    open(heartbeat = 25) { this.say({ type: 'welcome', session: 's', heartbeat, protocol: 1, resumed: false }); }
    say(message) { this.send(`data: ${JSON.stringify(message)}\n\n`); }
    beat() { this.send(':\n\n'); }
    end() { this.send(null); }
}

function response({ status = 200, body, headers = {}, type = 'application/json' }) {
    const all = new Map(Object.entries({ 'Content-Type': type, ...headers }).map(([k, v]) => [k.toLowerCase(), v]));
    return {
        status, ok: status >= 200 && status < 300,
        headers: { get: name => all.get(name.toLowerCase()) ?? null },
        text: async () => typeof body === 'string' ? body : JSON.stringify(body ?? null),
    };
}

async function settle() {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    await new Promise(resolve => setImmediate(resolve));
}
