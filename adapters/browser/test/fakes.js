// A page without a browser: a clock that only moves when told, a server that answers from a script, and sockets whose
// other end is the test.

export class Page {
    constructor() {
        this.time = 0;
        this.timers = new Map();
        this.nextTimer = 1;
        this.requests = [];
        this.sockets = [];
        this.statuses = [];
        this.bodies = [];
        /** What the next poll is answered with; `null` leaves it unanswered until `answer()`. */
        this.reply = { body: { n: 0 } };
        this.pending = [];
        this.randomValue = 0.5;
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
            WebSocket: this.WebSocket,
            fetch: (url, init) => this.fetch(url, init),
            setTimeout: (callback, delay) => {
                this.timers.set(this.nextTimer, { callback, due: this.time + Math.max(0, delay) });
                return this.nextTimer++;
            },
            clearTimeout: timer => this.timers.delete(timer),
            now: () => this.time,
            random: () => this.randomValue,
        };
    }

    fetch(url, init) {
        this.requests.push({ url, headers: init.headers, at: this.time });
        return new Promise((resolve, reject) => {
            const answer = reply => reply instanceof Error ? reject(reply) : resolve(response(reply));
            init.signal?.addEventListener('abort', () => reject(init.signal.reason));
            if (this.reply === null) this.pending.push(answer);
            else answer(typeof this.reply === 'function' ? this.reply(url, init) : this.reply);
        });
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
            this.time = due[1].due;
            due[1].callback();
            await settle();
        }
        this.time = end;
    }

    get socket() { return this.sockets.at(-1); }
    get lastStatus() { return this.statuses.at(-1); }
}

/** A poll answer of a feature that may be pushed. */
export function pushed(body, position = '1.1-1', extra = {}) {
    const headers = { 'Doorbell-Transport': 'push', 'Doorbell-Position': position, 'Doorbell-Feature': 'f', ...extra };
    return { body, headers };
}

class FakeSocket {
    constructor(url, protocols) {
        Object.assign(this, { url, protocols, readyState: 0, sent: [], closedWith: null });
    }

    send(text) { this.sent.push(JSON.parse(text)); }

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
