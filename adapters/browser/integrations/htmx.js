// For htmx: fragments that were fetched `every 3s` are fetched when something has changed.
//
//     <div hx-get="/fragments/bell" hx-trigger="doorbell" data-live="/api/notifications" data-live-interval="3000"></div>
//     <script type="module">import { liveElements } from '/integrations/htmx.js'; liveElements();</script>
//
// An element with `data-live` gets the event `doorbell` when the state of that URL is there, and whenever it changes; `event.detail` is the state.
// Elements that come and go, as with htmx they do, are followed and left.

import { live } from '../doorbell.js';

const EVENT = 'doorbell';

/** Follows the elements in `root`; `options`: those of `live`. Returns what ends it. */
export function liveElements(options = {}, root = document) {
    const feeds = new Map(); // element -> {feed, url}

    function look() {
        for (const [element, { feed, url }] of feeds) {
            if (!element.isConnected || element.dataset.live !== url) { feed.close(); feeds.delete(element); }
        }
        for (const element of root.querySelectorAll('[data-live]')) {
            if (feeds.has(element)) continue;
            const { live: url, liveInterval } = element.dataset;
            const feed = live(url, {
                ...options, ...(liveInterval && { interval: Number(liveInterval) }),
                onData(detail) { element.dispatchEvent(new CustomEvent(EVENT, { detail })); options.onData?.(detail); },
            });
            feeds.set(element, { feed, url });
        }
    }

    look();
    const observer = new MutationObserver(look);
    observer.observe(root.documentElement ?? root, { childList: true, subtree: true, attributeFilter: ['data-live'] });
    return () => {
        observer.disconnect();
        feeds.forEach(({ feed }) => feed.close());
        feeds.clear();
    };
}
