// One connection, decided: when to connect, when it is silent for too long, when and whether to come back. A WebSocket that carries all
// subscriptions, or an event stream for one.

/** A connection attempt without an answer for this long, in ms, has failed. */
const TIMEOUT = 10_000;
/** Reconnecting: full jitter under a limit that doubles from the first to the second, in ms. */
const BACKOFF = [1000, 30_000];
/** A token is replaced so long, in ms, before it expires, or after half of its time. */
const RENEW = 30_000;

/** Whether a connection that closed with `code` is opened again by itself. */
export function mayReconnect(code) {
    return ![1000, 1002, 1003, 1007, 1009].includes(code) && !(code >= 4500);
}

/**
 * States: `idle` (nobody wants it), `connecting`, `open`, `waiting` (to reconnect), `refused`.
 *
 * A part of the `Mux`, whose clock and actions it uses: `connect` (link), `send` (link, message), `drop` (link), `renew` (link). It tells the
 * mux of what happens by `linkAsks` and `lose`.
 */
export class Link {
    constructor(mux, id, kind) {
        Object.assign(this, { mux, id, kind, state: 'idle' });
        this.attempt = 0; // connections in a row that did not live for a heartbeat
        this.heartbeat = 25_000; // ms; `welcome` says it
        this.pause = 0; // ms to wait before the next attempt, on top of the backoff
        this.at = this.pingAt = this.renewAt = Infinity;
        this.openedAt = this.heardAt = null;
        this.pingedAt = null; // when it was asked first since it was heard last
        this.renewed = false; // a new token was tried because the old one was refused
    }

    get wake() { return Math.min(this.at, this.pingAt, this.renewAt); }

    get isUp() { return this.state === 'connecting' || this.state === 'open'; }

    time() {
        const { now } = this.mux;
        if (now >= this.renewAt) { this.renewAt = Infinity; this.mux.do('renew', this.id); }
        if (now >= this.pingAt) this.ping();
        if (now < this.at) return;
        if (this.state === 'waiting') { this.state = 'idle'; this.at = Infinity; this.mux.linkAsks(this); }
        else this.closed(4001, this.state === 'open' ? 'heartbeat missed' : 'no connection');
    }

    /** `subscription`: of an event stream, which has it in its URL. */
    connect(subscription) {
        if (this.isUp || this.state === 'waiting') return;
        this.state = 'connecting';
        this.openedAt = null;
        this.at = this.mux.now + TIMEOUT;
        this.mux.do('connect', this.id, this.kind, subscription);
    }

    opened() {
        this.state = 'open';
        this.openedAt = this.mux.now;
        this.hear();
    }

    /** Something came, whatever it was. */
    hear() {
        this.heardAt = this.mux.now;
        this.pingedAt = null;
        this.at = this.heardAt + 2 * this.heartbeat;
        this.planPing();
    }

    /** Pages cannot see WebSocket pings, so they ask for a message where none comes by itself. */
    planPing() {
        if (this.kind === 'websocket') this.pingAt = this.mux.now + Math.min(this.heartbeat / 2, 0.6 * this.mux.proof);
    }

    ping() {
        this.planPing();
        this.pingedAt ??= this.mux.now;
        this.mux.do('send', this.id, { type: 'ping' });
    }

    welcome({ heartbeat }) {
        if (heartbeat > 0) this.heartbeat = heartbeat * 1000;
        this.hear();
    }

    refreshed({ expires }) {
        this.renewed = false;
        if (!(expires > 0)) return;
        const left = expires - this.mux.now;
        this.renewAt = this.mux.now + Math.max(left / 2, left - RENEW, 1000);
    }

    goodbye({ reconnectAfter }) { this.pause = Math.max(0, Number(reconnectAfter) || 0); }

    closed(code, reason) {
        if (!this.isUp) return;
        const { mux } = this;
        const text = `closed ${code}${reason ? `: ${reason}` : ''}`;
        if (this.openedAt !== null && mux.now - this.openedAt >= this.heartbeat) { this.attempt = 0; this.renewed = false; }
        const isStale = code === 4500 && mux.renews && !this.renewed;
        this.drop();
        if (isStale) { this.renewed = true; mux.do('stale'); }
        if (!isStale && !mayReconnect(code)) { this.state = 'refused'; return mux.lose(this, 'refused', text, Infinity); }
        // Full jitter, drawn anew for each attempt, after the pause that the server asked for. 4002: everybody polls first.
        const limit = Math.min(BACKOFF[1], BACKOFF[0] * 2 ** this.attempt);
        this.attempt += 1;
        this.state = 'waiting';
        this.at = mux.now + Math.max(this.pause, code === 4002 ? mux.interval : 0) + mux.random() * limit;
        this.pause = 0;
        mux.lose(this, 'lost', text);
    }

    /** Gives up the connection, whatever it is doing. */
    drop() {
        if (this.isUp) this.mux.do('drop', this.id);
        this.state = 'idle';
        this.at = this.pingAt = this.renewAt = Infinity;
    }
}
