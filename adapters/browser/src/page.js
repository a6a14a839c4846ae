// The connections of a page: carries out what the `Mux` decides, with WebSockets and timers. What few pages need is loaded by those only.

import { Mux } from './mux.js';

const RUNGS = ['websocket', 'events', 'hold'];

/** The timer in the place of `timer` for a core that wants to be called at `wake`. Later ones than timers can be are called early. */
export function armed(env, timer, wake, call) {
    env.clearTimeout(timer);
    return wake < Infinity ? env.setTimeout(call, Math.min(1e9, Math.max(0, wake - env.now()))) : undefined;
}

/** What may share a connection -> its page. */
const pages = new WeakMap();

export class Page {
    /** The page for feeds of `url`; those with the same service, token and surroundings share it. */
    static of(env, url, options) {
        const socketURL = new URL(options.socketURL ?? '/_doorbell/ws', url).href;
        const owner = options.token ?? env.WebSocket ?? Page;
        let byURL = pages.get(owner);
        if (!byURL) pages.set(owner, byURL = new Map());
        const key = `${socketURL} ${options.auth} ${options.tabs}`;
        if (!byURL.has(key)) byURL.set(key, new Page(env, socketURL, options, () => byURL.delete(key)));
        return byURL.get(key);
    }

    constructor(env, url, options, ended) {
        Object.assign(this, { env, url, options, ended });
        this.feeds = new Map(); // name -> takes events
        this.sockets = new Map(); // link -> {send, close}
        // Node 20 has no WebSocket.
        this.mux = new Mux(env.WebSocket ? RUNGS : RUNGS.slice(1), env.random, options.token);
        this.last = 0;
        this.end = new AbortController();
        const seen = () => this.tellOwn(this.isHidden ? 'hidden' : 'resume');
        this.listen(env.document, 'visibilitychange', seen);
        this.listen(env.window, 'offline', () => this.tellOwn('pause', 'offline'));
        this.listen(env.window, 'online', seen);
        if (options.tabs && env.locks && env.BroadcastChannel) {
            this.loading = this.more().then(({ Tabs }) => {
                this.loading = null;
                if (this.own.size > 0) this.tabs = new Tabs(this, `doorbell ${url} ${options.tabs}`);
            }).catch(() => {});
        }
    }

    more() { return import('./more.js'); }

    listen(target, event, listener) { target?.addEventListener?.(event, listener, { signal: this.end.signal }); }

    get isHidden() { return this.env.document?.visibilityState === 'hidden'; }

    tellOwn(...event) { [...this.own].forEach(name => this.feeds.get(name)?.(...event)); }

    own = new Set(); // names of this page's feeds, in contrast to those of other tabs

    /** Takes a feed in; returns its name. */
    add(take) {
        const name = `f${++this.last}`;
        this.feeds.set(name, take);
        this.own.add(name);
        return name;
    }

    remove(name) {
        this.on('leave', name);
        this.feeds.delete(name);
        this.own.delete(name);
        if (this.own.size > 0) return;
        this.tabs?.stop();
        this.end.abort();
        this.env.clearTimeout(this.timer);
        this.ended();
    }

    on(event, ...values) {
        for (const [action, ...rest] of this.mux.on(this.env.now(), event, ...values)) this[action](...rest);
        this.timer = armed(this.env, this.timer, this.mux.wake, () => this.on('time'));
    }

    // --- Actions of the mux

    tell(name, ...event) { this.feeds.get(name)?.(...event); }

    tellAll(...event) { [...this.feeds.values()].forEach(take => take(...event)); }

    send(id, message) { this.sockets.get(id)?.send(message); }

    drop(id) {
        const socket = this.sockets.get(id);
        this.sockets.delete(id);
        socket?.close?.();
    }

    connect(id, kind, subscription) {
        const socket = { send() {} };
        this.sockets.set(id, socket);
        const isCurrent = () => this.sockets.get(id) === socket;
        // A socket that was given up may still speak; only the present one is listened to.
        const on = (event, ...values) => { if (isCurrent()) this.on(event, id, ...values); };
        const failed = error => on('closed', 1006, error.message);
        const begin = credentials => {
            if (!isCurrent()) return;
            try { this.dial(socket, credentials, on); } catch (error) { failed(error); }
        };
        if (this.loading) this.loading.then(begin);
        else if (kind === 'events') this.more().then(({ stream }) => stream(this, socket, subscription, on)).catch(failed);
        else if (this.followed || this.options.auth === 'cookie') begin();
        else this.more().then(({ credentials }) => credentials(this)).then(begin).catch(failed);
    }

    stale() { this.known = undefined; }

    renew(id) {
        this.stale();
        // Without one the connection will be closed when it expires.
        this.token().then(token => this.send(id, { type: 'refresh', token, id: 'token' }), () => {});
    }

    // --- Credentials

    /** The token, asked for once until it is known to be stale; undefined where there are none. */
    async token() {
        try { return await (this.known ??= this.options.token?.()); } catch (error) { this.stale(); throw error; }
    }

    async authorization() {
        const token = await this.token();
        return token ? { Authorization: `Bearer ${token}` } : {};
    }

    dial(socket, { token, ticket } = {}, on) {
        const { WebSocket } = this.followed ? this : this.env;
        const { auth } = this.options;
        const ws = new WebSocket(
            this.url.replace(/^http/, 'ws') + (ticket ? `?ticket=${ticket}` : ''),
            token && auth === 'bearer' ? ['doorbell.v1', `bearer.${token}`] : ['doorbell.v1']);
        socket.send = message => { if (ws.readyState === 1) ws.send(JSON.stringify(message)); };
        socket.close = () => { if (ws.readyState < 2) ws.close(1000); };
        ws.onopen = () => {
            // `refreshed` will say until when the token is good.
            if (token) socket.send({ type: auth === 'message' ? 'auth' : 'refresh', token, id: 'token' });
            on('opened');
        };
        ws.onmessage = ({ data }) => {
            let message;
            try { message = JSON.parse(data); } catch { return; }
            on('heard', message);
            this.tabs?.heardOf();
        };
        ws.onclose = ({ code, reason }) => on('closed', code, reason);
        ws.onerror = () => {}; // `close` follows and says more
    }
}
