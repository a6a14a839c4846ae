// For TanStack Query 5 (React, Vue, Solid, Svelte): queries that name a URL are followed while somebody observes them.
//
//     import { liveQueries } from './integrations/tanstack.js';
//     const client = new QueryClient();
//     const end = liveQueries(client, { interval: 3000 });
//     useQuery({ queryKey: ['notifications'], queryFn, meta: { live: '/api/notifications' }, staleTime: Infinity });   // no refetchInterval

import { live } from '../doorbell.js';

/** `meta.live` is a URL, or the options of `live` with a `url`. Returns what ends it. */
export function liveQueries(client, options = {}) {
    const feeds = new Map(); // hash of the query -> feed

    function look({ query }) {
        const isWanted = query.meta?.live && query.getObserversCount() > 0 && client.getQueryCache().get(query.queryHash) === query;
        const feed = feeds.get(query.queryHash);
        if (isWanted && !feed) {
            const { url, ...own } = typeof query.meta.live === 'string' ? { url: query.meta.live } : query.meta.live;
            const all = { ...options, ...own };
            feeds.set(query.queryHash, live(url, { ...all, onData(body) { client.setQueryData(query.queryKey, body); all.onData?.(body); } }));
        } else if (!isWanted && feed) {
            feeds.delete(query.queryHash);
            feed.close();
        }
    }

    client.getQueryCache().getAll().forEach(query => look({ query }));
    const unsubscribe = client.getQueryCache().subscribe(event => {
        if (['observerAdded', 'observerRemoved', 'removed'].includes(event.type)) look(event);
    });
    return () => {
        unsubscribe();
        feeds.forEach(feed => feed.close());
        feeds.clear();
    };
}
