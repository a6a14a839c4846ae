import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasReact } from './debian.js';
import { component, shallowRef } from './fake-vue.js';
import { Page } from './fakes.js';

const URL_ = 'http://app.test/api/things';
const { liveFetch } = await import('../integrations/fetch.js');
const { liveQueries } = await import('../integrations/tanstack.js');
const { streaming } = await import('../integrations/rtk.js');
const { liveElements } = await import('../integrations/htmx.js');
const { useLive: useLiveVue } = await import('../integrations/vue.js');

/** The next poll says `n`. */
async function says(page, n) {
    page.reply = { body: { n } };
    await page.pass(3000);
}

// --- fetch and setInterval

test('code that polls by fetch goes on as it is, and its polls do not leave the page', async () => {
    const page = new Page();
    const fetch = liveFetch(URL_, page.options);
    const shown = [];
    const loop = async () => shown.push((await (await fetch(URL_)).json()).n);
    await Promise.all([loop(), loop(), page.pass(0)]);
    await says(page, 1);
    await Promise.all([loop(), page.pass(0)]);
    assert.deepEqual(shown, [0, 0, 1]);
    assert.deepEqual(page.requests.map(request => request.at), [0, 3000], 'the feed polls, and nothing else');
    fetch.close();
    assert.equal(page.timers.size, 0);
});

test('what is no GET of such a URL goes to the network, and an aborted call ends', async () => {
    const page = new Page();
    const fetch = liveFetch([URL_], page.options);
    await fetch('http://app.test/api/other', { headers: {} });
    await fetch(URL_, { method: 'POST', headers: {} });
    assert.deepEqual(page.requests.map(request => request.url), ['http://app.test/api/other', URL_]);
    page.reply = null;
    const controller = new AbortController();
    const call = fetch(new Request(URL_), { signal: controller.signal });
    controller.abort(new Error('changed my mind'));
    await assert.rejects(call, /changed my mind/);
    fetch.close();
});

test('while polls fail, calls go to the network, and the caller sees the error', async () => {
    const page = new Page();
    page.reply = { status: 401, body: {} };
    const fetch = liveFetch(URL_, page.options);
    const [first] = await Promise.all([fetch(URL_, { headers: {} }), page.pass(0)]);
    assert.equal(first.status, 401);
    page.reply = { body: { n: 1 } };
    await page.pass(3000);
    assert.deepEqual(await (await fetch(URL_)).json(), { n: 1 });
    page.reply = new Error('network');
    await page.pass(3000);
    await assert.rejects(fetch(URL_, { headers: {} }), /network/);
    assert.deepEqual(page.requests.map(request => request.at), [0, 0, 3000, 6000, 6000]);
    fetch.close();
});

// --- TanStack Query: the contract of QueryCache, QueryClient and Query (tanstack.com/query/v5/docs/reference)

class FakeQueryClient {
    constructor() {
        this.queries = new Map();
        this.listeners = new Set();
        this.cache = {
            getAll: () => [...this.queries.values()], get: hash => this.queries.get(hash),
            subscribe: listener => { this.listeners.add(listener); return () => this.listeners.delete(listener); },
        };
        this.data = {};
    }

    getQueryCache() { return this.cache; }
    setQueryData(key, data) { this.data[JSON.stringify(key)] = data; }

    observe(queryKey, meta) {
        const queryHash = JSON.stringify(queryKey);
        const query = this.queries.get(queryHash) ?? { queryKey, queryHash, meta, observers: 0, getObserversCount() { return this.observers; } };
        this.queries.set(queryHash, query);
        query.observers += 1;
        this.listeners.forEach(listener => listener({ type: 'observerAdded', query }));
        return () => {
            query.observers -= 1;
            this.listeners.forEach(listener => listener({ type: 'observerRemoved', query }));
        };
    }
}

test('TanStack Query: a query that names a URL is followed while somebody observes it', async () => {
    const page = new Page();
    const client = new FakeQueryClient();
    const early = client.observe(['early'], { live: `${URL_}/early` });
    const end = liveQueries(client, page.options);
    const [first, second] = [client.observe(['things'], { live: { url: URL_, interval: 1500 } }), client.observe(['things'])];
    client.observe(['other'], undefined);
    await page.pass(0);
    assert.deepEqual(client.data, { '["early"]': { n: 0 }, '["things"]': { n: 0 } });
    early();
    first();
    await says(page, 1);
    assert.deepEqual(client.data['["things"]'], { n: 1 });
    assert.deepEqual(page.requests.map(request => request.at), [0, 0, 1500, 3000]);
    second();
    await page.pass(9000);
    assert.equal(page.requests.length, 4, 'nobody looks');
    client.observe(['things']);
    await page.pass(0);
    assert.equal(page.requests.length, 5);
    end();
    assert.equal(page.timers.size, 0);
    assert.equal(client.listeners.size, 0);
});

// --- RTK Query: the contract of onCacheEntryAdded (redux-toolkit.js.org/rtk-query/usage/streaming-updates)

test('RTK Query: a cache entry is kept up to date from when it has data until it is removed', async () => {
    const page = new Page();
    let [loaded, removed] = [];
    const api = {
        cacheDataLoaded: new Promise(resolve => { loaded = resolve; }), cacheEntryRemoved: new Promise(resolve => { removed = resolve; }),
        updateCachedData: recipe => { api.data = recipe(api.data); },
    };
    const lives = streaming(id => `${URL_}/${id}`, page.options)(7, api);
    await page.pass(3000);
    assert.equal(page.requests.length, 0);
    loaded();
    await page.pass(0);
    assert.equal(page.requests[0].url, `${URL_}/7`);
    await says(page, 1);
    assert.deepEqual(api.data, { n: 1 });
    removed();
    await lives;
    assert.equal(page.timers.size, 0);
    await streaming(() => URL_, page.options)(7, { ...api, cacheDataLoaded: Promise.reject(new Error('removed')) });
    assert.equal(page.timers.size, 0);
});

// --- Vue

test('Vue: a composable follows its URL, another one when that changes, and ends with its component', async () => {
    const page = new Page();
    const url = shallowRef(URL_);
    const [{ data, status }, end] = component(() => useLiveVue(url, page.options));
    assert.equal(data.value, undefined);
    await says(page, 1);
    assert.deepEqual(data.value, { n: 1 });
    assert.equal(status.value.reason, 'polling');
    url.value = `${URL_}/other`;
    assert.equal(data.value, undefined);
    await page.pass(0);
    assert.equal(page.requests.at(-1).url, `${URL_}/other`);
    url.value = null;
    const polls = page.requests.length;
    await page.pass(9000);
    assert.equal(page.requests.length, polls);
    url.value = URL_;
    end();
    assert.equal(page.timers.size, 0);
});

// --- htmx: elements get an event, which hx-trigger names (htmx.org/attributes/hx-trigger)

test('htmx: elements that come are followed, and left when they go', async () => {
    const page = new Page();
    const events = [];
    const element = name => ({
        isConnected: true, dataset: { live: `${URL_}/${name}`, liveInterval: '1500' }, dispatchEvent: event => events.push([name, event.type, event.detail]),
    });
    const elements = [element('a')];
    let mutated = null;
    globalThis.MutationObserver = class {
        constructor(callback) { mutated = callback; }
        observe() {}
        disconnect() { mutated = null; }
    };
    globalThis.CustomEvent ??= class extends Event { constructor(type, { detail }) { super(type); this.detail = detail; } };
    const end = liveElements(page.options, { querySelectorAll: () => elements });
    await page.pass(0);
    elements.push(element('b'));
    mutated();
    await page.pass(0);
    assert.deepEqual(events, [['a', 'doorbell', { n: 0 }], ['b', 'doorbell', { n: 0 }]]);
    elements.shift().isConnected = false;
    mutated();
    page.reply = { body: { n: 1 } };
    await page.pass(1500);
    assert.deepEqual(events.slice(2), [['b', 'doorbell', { n: 1 }]]);
    elements[0].dataset.live = `${URL_}/c`;
    mutated();
    await page.pass(0);
    assert.equal(page.requests.at(-1).url, `${URL_}/c`);
    const polls = page.requests.length;
    await page.pass(1500);
    assert.equal(page.requests.length, polls + 1, 'the other URL is not polled any more');
    end();
    assert.equal(page.timers.size, 0);
});

// --- SWR: the contract of useSWRSubscription (swr.vercel.app/docs/subscription). The hooks are tried in Chromium, with the real React: chaos.py

test('SWR: subscriptions are given states, and end', { skip: !hasReact && 'React is not installed' }, async () => {
    const { subscribe } = await import('../integrations/swr.js');
    const page = new Page();
    const told = [];
    const end = subscribe(page.options)(URL_, { next: (...values) => told.push(values) });
    await says(page, 1);
    assert.deepEqual(told, [[null, { n: 0 }], [null, { n: 1 }]]);
    end();
    assert.equal(page.timers.size, 0);
});
