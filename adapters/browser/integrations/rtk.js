// For RTK Query: an endpoint's cache entry is kept up to date as long as it lives.
//
//     import { streaming } from './integrations/rtk.js';
//     notifications: build.query({
//         query: user => `/users/${user}/notifications`,
//         onCacheEntryAdded: streaming(user => `/api/users/${user}/notifications`, { interval: 3000 }),     // no pollingInterval
//     }),

import { live } from '../doorbell.js';

/** `url`: of the argument of the endpoint. `options`: those of `live`. */
export function streaming(url, options = {}) {
    return async (argument, { cacheDataLoaded, cacheEntryRemoved, updateCachedData }) => {
        try { await cacheDataLoaded; } catch { return; } // removed before there was anything
        const feed = live(url(argument), {
            ...options, onData(body) { updateCachedData(() => body); options.onData?.(body); },
        });
        await cacheEntryRemoved;
        feed.close();
    };
}
