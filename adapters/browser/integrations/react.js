// A hook for React 18.
//
//     import { useLive } from './integrations/react.js';
//     const { data, status } = useLive('/api/notifications', { interval: 3000 });
//
// `data` is undefined until there is something; `status` is the feed's. The feed lives as long as the component, and is another one when the
// URL is another one; `null` instead of a URL: none. The options are those of the first render with a URL.

import { useCallback, useRef, useSyncExternalStore } from 'react';
import { live } from '../doorbell.js';

const NOTHING = { data: undefined, status: { transport: 'poll', via: 'poll', live: false, reason: 'starting' } };

export function useLive(url, options) {
    const asked = useRef(options);
    asked.current = options;
    const seen = useRef({ url, value: NOTHING });
    if (seen.current.url !== url) seen.current = { url, value: NOTHING };

    const subscribe = useCallback(changed => {
        if (url === null || url === undefined) return () => {};
        const take = part => {
            seen.current = { url, value: { ...seen.current.value, ...part } };
            changed();
        };
        const feed = live(url, {
            ...asked.current,
            onData(data) { take({ data }); asked.current?.onData?.(data); },
            onStatus(status) { take({ status }); asked.current?.onStatus?.(status); },
        });
        return () => feed.close();
    }, [url]);
    return useSyncExternalStore(subscribe, () => seen.current.value, () => NOTHING);
}
