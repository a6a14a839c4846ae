// A composable for Vue 3 (and 2.7).
//
//     import { useLive } from './integrations/vue.js';
//     const { data, status } = useLive('/api/notifications', { interval: 3000 });
//
// `url` may be a ref or a getter: when it changes, another feed begins; `null`: none. The feed ends with the component's scope.

import { onScopeDispose, shallowRef, unref, watch } from 'vue';
import { live } from '../doorbell.js';

export function useLive(url, options = {}) {
    const data = shallowRef();
    const status = shallowRef({ transport: 'poll', via: 'poll', live: false, reason: 'starting' });
    let feed = null;
    function end() {
        feed?.close();
        feed = null;
    }
    watch(() => typeof url === 'function' ? url() : unref(url), now => {
        end();
        data.value = undefined;
        if (now === null || now === undefined) return;
        feed = live(now, {
            ...options,
            onData(body) { data.value = body; options.onData?.(body); },
            onStatus(value) { status.value = value; options.onStatus?.(value); },
        });
    }, { immediate: true });
    onScopeDispose(end);
    return { data, status, refresh: () => feed?.refresh() ?? Promise.resolve() };
}
