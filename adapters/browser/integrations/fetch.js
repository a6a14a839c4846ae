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
 * everything else goes to the network, and so do these while the feed's own polls fail: the caller sees the error. `fetch.close()` ends the feeds.
 */
export function liveFetch(urls, options = {}) {
    const feeds = new Map(); // URL -> {feed, body, first: fulfilled when a poll was answered or has failed}
    const real = options.fetch ?? globalThis.fetch.bind(globalThis);
    const isMeant = typeof urls === 'function' ? urls : url => [urls].flat().some(each => new URL(each, base()).href === url);
    const base = () => globalThis.document?.baseURI ?? globalThis.location?.href;

    function followed(url) {
        const entry = {};
        entry.first = new Promise(resolve => {
            entry.feed = live(url, {
                ...options,
                onData(body) { entry.body = body; options.onData?.(body); resolve(); },
                onStatus(status) {
                    entry.hasFailed = status.reason.startsWith('poll failed') && !status.live;
                    if (entry.hasFailed) resolve();
                    options.onStatus?.(status);
                },
            });
        });
        return entry;
    }

    async function fetch(input, init = {}) {
        const url = new URL(input.url ?? input, base()).href;
        if ((init.method ?? input.method ?? 'GET') !== 'GET' || !isMeant(url)) return real(input, init);
        if (!feeds.has(url)) feeds.set(url, followed(url));
        const entry = feeds.get(url);
        await Promise.race([entry.first, aborted(init.signal ?? input.signal)]);
        if (entry.hasFailed) return real(input, init);
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
