// For code that polls by fetch and setInterval, and is to stay as it is: its polls no longer leave the page.
//
//     import { liveFetch } from './integrations/fetch.js';
//     const fetch = liveFetch('/api/notifications', { interval: 3000 });
//     setInterval(async () => render(await (await fetch('/api/notifications')).json()), 3000);      // as before
//
// What can be changed is simpler, and quicker: live('/api/notifications', { interval: 3000, onData: render }).

import { live } from '../doorbell.js';

/**
 * A `fetch` that answers GETs of `urls` (one, several, or a function that knows them) with the state of a feed, which polls or is pushed to;
 * everything else goes to the network. `fetch.close()` ends the feeds.
 */
export function liveFetch(urls, options = {}) {
    const feeds = new Map(); // URL -> {feed, body, first}
    const real = options.fetch ?? globalThis.fetch.bind(globalThis);
    const isMeant = typeof urls === 'function' ? urls : url => [urls].flat().some(each => new URL(each, base()).href === url);
    const base = () => globalThis.location?.href;

    function followed(url) {
        const entry = {};
        entry.first = new Promise(resolve => {
            entry.feed = live(url, { ...options, onData(body) { entry.body = body; options.onData?.(body); resolve(); } });
        });
        return entry;
    }

    async function fetch(input, init = {}) {
        const url = new URL(input.url ?? input, base()).href;
        if ((init.method ?? input.method ?? 'GET') !== 'GET' || !isMeant(url)) return real(input, init);
        if (!feeds.has(url)) feeds.set(url, followed(url));
        const entry = feeds.get(url);
        await Promise.race([entry.first, aborted(init.signal)]);
        return new Response(JSON.stringify(entry.body), { headers: { 'Content-Type': 'application/json' } });
    }

    fetch.close = () => {
        feeds.forEach(({ feed }) => feed.close());
        feeds.clear();
    };
    return fetch;
}

function aborted(signal) {
    return new Promise((_, reject) => {
        if (signal?.aborted) reject(signal.reason);
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
}
