// One connection for all tabs. The tab that holds a Web Lock connects; the others speak to it as they would to the service, over a
// BroadcastChannel. When it goes, the browser gives the lock to another.

const FOLLOWER = ['websocket', 'hold'];
const LEADER = ['websocket', 'events', 'hold'];

export class Tabs {
    constructor(page, name) {
        Object.assign(this, { page, name });
        this.id = Math.random().toString(36).slice(2);
        this.tabs = new Map(); // those that speak to this one: name -> {feeds: id -> feed, last message, whether it waits for a pong}
        page.listen(page.env.window, 'pagehide', () => this.stop());
        page.listen(page.env.window, 'pageshow', () => this.start());
        this.start();
    }

    start() {
        if (this.channel) return;
        const { locks, BroadcastChannel } = this.page.env;
        this.channel = new BroadcastChannel(this.name);
        this.channel.onmessage = ({ data }) => this.heard(data);
        this.controller = new AbortController();
        const { signal } = this.controller;
        const hold = begin => () => new Promise(resolve => {
            if (signal.aborted) return resolve();
            signal.addEventListener('abort', resolve);
            begin();
        });
        // Another tab that waits for this one's own lock learns that this one is gone, however it went. It has to be held before the other hears of it.
        this.held = new Promise(resolve => { locks.request(`${this.name} ${this.id}`, hold(resolve)).catch(() => {}); });
        this.turn(FOLLOWER);
        locks.request(this.name, { signal }, hold(() => this.lead())).catch(() => {});
    }

    stop() {
        if (!this.channel) return;
        this.controller.abort();
        this.closeSocket?.(1001, 'the page is hidden');
        [...this.tabs.keys()].forEach(tab => this.gone(tab, 'another tab connects'));
        this.channel.close();
        this.channel = null;
    }

    /** Connects through another tab, or by itself. */
    turn(rungs) {
        const { page } = this;
        page.followed = rungs === FOLLOWER;
        page.WebSocket = class extends TabSocket {};
        page.WebSocket.prototype.tabs = this;
        page.on('replace', rungs);
    }

    lead() {
        this.turn(LEADER);
        this.post({ say: 'leader' });
    }

    post(message) { this.channel?.postMessage({ from: this.id, ...message }); }

    heard({ from, to, say, data, code, reason }) {
        if (say === 'leader' && this.page.followed) this.closeSocket?.(1012, 'another tab connects');
        if (to === this.id) {
            if (say === 'data') this.takeData?.(data);
            if (say === 'close') this.closeSocket?.(code, reason);
        } else if (to === undefined && !this.page.followed) {
            if (say === 'dial') this.welcome(from);
            if (say === 'hangup') this.gone(from);
            if (say === 'send' && this.tabs.has(from)) this.serve(from, data);
        }
    }

    // --- What a leader does for the others, as the service would

    welcome(tab) {
        this.gone(tab);
        this.tabs.set(tab, { feeds: new Map(), last: null, waits: false });
        this.page.env.locks.request(`${this.name} ${tab}`, () => this.gone(tab)).catch(() => {});
        this.post({ to: tab, say: 'data', data: { type: 'welcome', session: this.id, heartbeat: 25, protocol: 1, resumed: false } });
    }

    serve(tab, message) {
        const { page } = this;
        const state = this.tabs.get(tab);
        const { type, id } = message;
        const say = data => {
            if (data === state.last) return; // two of its feeds are told the same
            state.last = data;
            this.post({ to: tab, say: 'data', data });
        };
        if (type === 'ping') {
            state.waits = true;
            page.on('report', message);
        } else if (type === 'unsubscribe') {
            this.end(state, id);
        } else if (type === 'subscribe') {
            const name = `${tab} ${id}`;
            const { interval, proof, ...subscribe } = message;
            state.feeds.set(id, name);
            page.feeds.set(name, (event, value, coolDown) => {
                if (event === 'open') page.on('subscribe', name, subscribe);
                else if (event === 'subscribed') say({ type: event, ...value, id, recovered: value.recovered && !value.attached });
                else if (event === 'message' || event === 'transport') say(value);
                else if (event === 'refused') {
                    this.end(state, id);
                    say({ type: 'error', code: coolDown <= 10_000 ? 'unavailable' : 'not_allowed', message: value, id });
                } else if (event === 'lost' || event === 'hold') this.gone(tab, event);
            });
            page.on('want', name, interval, proof);
        } else page.on('report', message);
    }

    end(state, id) {
        const name = state.feeds.get(id);
        if (!state.feeds.delete(id)) return;
        this.page.on('leave', name);
        this.page.feeds.delete(name);
    }

    /** `reason`: for the tab, where it does not know; a tab that has dialled anew would take it for the end of that. */
    gone(tab, reason) {
        const state = this.tabs.get(tab);
        if (!this.tabs.delete(tab)) return;
        [...state.feeds.keys()].forEach(id => this.end(state, id));
        if (reason) this.post({ to: tab, say: 'close', code: 1012, reason });
    }

    /** The service was heard: whoever asked whether it is there is answered. */
    heardOf() {
        this.tabs.forEach((state, tab) => {
            if (state.waits) this.post({ to: tab, say: 'data', data: { type: 'pong' } });
            state.waits = false;
        });
    }
}

/** To a follower this is its WebSocket: as much of one as a page uses. */
class TabSocket {
    readyState = 0;

    constructor() {
        const { tabs } = this;
        tabs.takeData = data => {
            if (this.readyState > 1) return;
            if (this.readyState === 0) { this.readyState = 1; this.onopen(); }
            this.onmessage({ data: JSON.stringify(data) });
        };
        tabs.closeSocket = (code, reason) => {
            if (this.readyState > 1) return;
            this.readyState = 3;
            this.onclose({ code, reason });
        };
        tabs.held.then(() => { if (this.readyState === 0) tabs.post({ say: 'dial' }); });
    }

    send(text) {
        const data = JSON.parse(text);
        const { interval, proof } = this.tabs.page.mux;
        this.tabs.post({ say: 'send', data: data.type === 'subscribe' ? { ...data, interval, proof } : data });
    }

    close() {
        if (this.readyState < 2) this.tabs.post({ say: 'hangup' });
        this.readyState = 3;
    }
}
