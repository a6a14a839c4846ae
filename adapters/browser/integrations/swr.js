// For SWR 2: the polls of `refreshInterval` are the feed's.
//
//     import useSWR from 'swr';
//     import { liveSWR } from './integrations/swr.js';
//     const { data } = useSWR('/api/notifications', fetcher, { refreshInterval: 3000, use: [liveSWR()] });
//
// or, for the whole application, `<SWRConfig value={{ use: [liveSWR()] }}>`: hooks without `refreshInterval` are left alone. Or, with
// `useSWRSubscription` from 'swr/subscription', where there is no fetcher:
//
//     const { data, error } = useSWRSubscription('/api/notifications', subscribe({ interval: 3000 }));

import { useEffect, useRef } from 'react';
import { live } from '../doorbell.js';

/** A middleware. `options`: those of `live`. */
export function liveSWR(options = {}) {
    return useSWRNext => (key, fetcher, config = {}) => {
        const interval = typeof config.refreshInterval === 'number' ? config.refreshInterval : 0;
        const url = interval > 0 && typeof key === 'string' ? key : null;
        const swr = useSWRNext(key, fetcher, url ? { ...config, refreshInterval: 0, revalidateOnFocus: false, revalidateOnReconnect: false } : config);
        const current = useRef(swr);
        current.current = swr;
        useEffect(() => {
            if (!url) return undefined;
            const feed = live(url, {
                ...options, interval,
                onData(body) { current.current.mutate(body, { revalidate: false }); options.onData?.(body); },
            });
            return () => feed.close();
        }, [url, interval]);
        return swr;
    };
}

/** For `useSWRSubscription`. */
export function subscribe(options = {}) {
    return (key, { next }) => {
        const feed = live(key, { ...options, onData(body) { next(null, body); options.onData?.(body); } });
        return () => feed.close();
    };
}
