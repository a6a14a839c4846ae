// The one socket that all feeds of a page share, per origin. `doorbell.js` says what it is for.

/** A connection attempt without an answer for this long, in ms, has failed. */
const TIMEOUT = 30_000;
/** How long, in ms, a refused subscription is left alone. */
const COOL_DOWN = 60_000;
/** The same in ms, for errors that pass by themselves: their codes. */
const SHORT_COOL_DOWN = 10_000;
const PASSING = ['not_live', 'upstream_unavailable', 'unavailable'];
/** Reconnecting: full jitter under a limit that doubles from the first to the second, in ms. */
const BACKOFF = [1000, 30_000];

/** A socket: `idle` (nobody wants it), `connecting`, `open`, `waiting` (to reconnect), `closed` (refused). */
export const SOCKET = {
    idle: { join: ['connecting', 'connect'] },
    connecting: { opened: ['open', 'subscribe'], lost: ['waiting', 'wait'], refused: ['closed', 'refuse'],
        empty: ['idle', 'shut'] },
    open: { lost: ['waiting', 'wait'], refused: ['closed', 'refuse'], empty: ['idle', 'shut'] },
    waiting: { retry: ['connecting', 'connect'], empty: ['idle', 'shut'] },
    closed: { join: ['connecting', 'connect'], empty: ['idle', 'shut'] },
};

/** Pure: the state after `event`, and the one thing to do about it (`null`: the event means nothing here). */
export function transition(table, state, event) {
    return table[state][event] ?? [state, null];
}

/** Whether a connection that closed with `code` is opened again by itself. */
export function mayReconnect(code) {
    return ![1000, 1002, 1003, 1007, 1009].includes(code) && !(code >= 4500 && code < 5000);
}

/** WebSocket class -> URL -> Socket, so that a page has one socket per origin and a test its own. */
const sockets = new WeakMap();

/** One WebSocket, its subscriptions, its heartbeat and its reconnections. */
export class Socket {
    static shared(feed) {
        const { env, options } = feed;
        let byURL = sockets.get(env.WebSocket);
        if (!byURL) sockets.set(env.WebSocket, byURL = new Map());
        const url = new URL(options.socketURL ?? '/_doorbell/ws', feed.url).href.replace(/^http/, 'ws');
        if (!byURL.has(url)) byURL.set(url, new Socket(url, env));
        return byURL.get(url);
    }

    constructor(url, env) {
        Object.assign(this, { url, env, state: 'idle' });
        this.feeds = new Set(); // that want messages now
        this.known = new Set(); // that may be told to
        this.attempt = 0; // connections in a row that did not live for a heartbeat
        this.heartbeat = 25_000; // ms; `welcome` says it
        this.pause = 0; // ms to wait before the next attempt, on top of the backoff
    }

    on(event, reason) {
        const [state, action] = transition(SOCKET, this.state, event);
        this.state = state;
        if (action === 'connect') this.connect();
        if (action === 'subscribe') this.feeds.forEach(feed => this.send(feed.subscription()));
        if (action === 'wait' || action === 'refuse' || action === 'shut') this.drop();
        if (action === 'wait') this.wait(reason);
        if (action === 'refuse') this.refuse([...this.feeds], reason, Infinity);
    }

    join(feed) {
        feed.socket = this;
        this.known.add(feed);
        this.feeds.add(feed);
        if (this.state === 'open') this.send(feed.subscription());
        else this.on('join');
    }

    /** `feed` wants no messages now; `forever`: nor to be told that it may have them again. */
    leave(feed, forever) {
        if (forever) this.known.delete(feed);
        if (!this.feeds.delete(feed)) return;
        for (const channel of feed.channels.keys()) this.forget(channel, feed.id);
        feed.id = feed.awaits = null;
        feed.channels.clear();
        if (this.feeds.size === 0) this.on('empty');
    }

    /** Ends what the server sends on `channel`, unless another feed listens there. */
    forget(channel, id) {
        if (![...this.feeds].some(feed => feed.channels.has(channel))) this.send({ type: 'unsubscribe', channel, id });
    }

    refuse(feeds, reason, coolDown) {
        for (const feed of feeds) {
            feed.retryAt = this.env.now() + coolDown;
            feed.on('refused', reason);
        }
    }

    connect() {
        let ws;
        try { ws = new this.env.WebSocket(this.url, ['doorbell.v1']); } catch (error) {
            return this.on('refused', `no WebSocket: ${error.message}`);
        }
        this.ws = ws;
        this.openedAt = null;
        this.arm(TIMEOUT, 'no connection');
        // A socket that was given up may still speak; only the present one is listened to.
        ws.onopen = () => { if (ws === this.ws) this.opened(); };
        ws.onmessage = event => { if (ws === this.ws) this.heard(event.data); };
        ws.onclose = event => { if (ws === this.ws) this.closed(event.code, event.reason); };
        ws.onerror = () => {}; // `close` follows and says more
    }

    opened() {
        this.openedAt = this.env.now();
        this.arm(2 * this.heartbeat, 'heartbeat missed');
        this.ping();
        this.on('opened');
    }

    closed(code, reason) {
        if (this.openedAt !== null && this.env.now() - this.openedAt >= this.heartbeat) this.attempt = 0;
        // Capture is unsure: every feed polls once, within its interval, before push is tried again.
        if (code === 4002) this.pause = Math.max(this.pause, ...[...this.feeds].map(feed => feed.options.interval));
        const text = `closed ${code}${reason ? `: ${reason}` : ''}`;
        this.on(mayReconnect(code) ? 'lost' : 'refused', text);
    }

    /** Full jitter under a doubling limit, drawn anew for each attempt, after the pause that the server asked for. */
    wait(reason) {
        const limit = Math.min(BACKOFF[1], BACKOFF[0] * 2 ** this.attempt);
        this.attempt += 1;
        this.timer = this.env.setTimeout(() => this.on('retry'), this.pause + this.env.random() * limit);
        this.pause = 0;
        for (const feed of [...this.feeds]) {
            feed.id = null; // an answer that is still under way is to nobody's question
            feed.on('lost', reason);
        }
    }

    /** Gives up the connection, whatever it is doing. */
    drop() {
        this.env.clearTimeout(this.timer);
        this.env.clearTimeout(this.pingTimer);
        const ws = this.ws;
        this.ws = null;
        if (ws && ws.readyState < 2) ws.close(1000);
    }

    arm(delay, reason) {
        this.env.clearTimeout(this.timer);
        this.timer = this.env.setTimeout(() => this.closed(4001, reason), delay);
    }

    /** Pages cannot see WebSocket pings, so they ask for a message: half a heartbeat apart, half as often as needed. */
    ping() {
        this.env.clearTimeout(this.pingTimer);
        this.pingTimer = this.env.setTimeout(() => { this.send({ type: 'ping' }); this.ping(); }, this.heartbeat / 2);
    }

    send(message) {
        if (this.ws?.readyState === 1) this.ws.send(JSON.stringify(message));
    }

    heard(data) {
        this.arm(2 * this.heartbeat, 'heartbeat missed');
        let message;
        try { message = JSON.parse(data); } catch { return; }
        if (message !== null && typeof message === 'object') this.dispatch(message);
    }

    dispatch(message) {
        const { type, id, channel } = message;
        const named = [...this.feeds].filter(feed => id != null ? feed.id === id : feed.channels.has(channel));
        if (type === 'welcome') {
            if (message.heartbeat > 0) this.heartbeat = message.heartbeat * 1000;
            this.arm(2 * this.heartbeat, 'heartbeat missed');
            this.ping();
        } else if (type === 'batch') {
            message.messages?.forEach(each => { if (each) this.dispatch(each); });
        } else if (type === 'goodbye') {
            this.pause = Math.max(0, Number(message.reconnectAfter) || 0);
        } else if (type === 'transport') {
            const feeds = [...this.known].filter(feed => feed.feature === message.feature && !feed.insists);
            // A poll answer that was on its way may still say `push`; it is not to undo this.
            if (message.use === 'poll') this.refuse(feeds, 'told to poll', COOL_DOWN);
            if (message.use === 'push') feeds.forEach(feed => feed.invite());
        } else if (type === 'subscribed') {
            named.forEach(feed => feed.subscribed(message));
            this.feeds.forEach(feed => { if (feed.awaits === channel) feed.attach([channel]); });
            this.forget(channel, id);
        } else if (message.code === 'already_subscribed') {
            const other = [...this.feeds].find(feed => feed.channels.has(channel));
            for (const feed of named) {
                if (other) feed.attach([...other.channels.keys()]);
                else feed.awaits = channel;
            }
        } else if (type === 'error' || type === 'unsubscribed') {
            const coolDown = PASSING.includes(message.code) ? SHORT_COOL_DOWN : COOL_DOWN;
            this.refuse(named, message.message ?? message.reason ?? type, coolDown);
        } else if (channel !== undefined) {
            [...this.feeds].filter(feed => feed.channels.has(channel)).forEach(feed => feed.receive(message));
        }
    }
}
