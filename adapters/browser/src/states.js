/** The state of a feed, and each one that follows, for one reader. `wakes`: is called when there is something to see. */
export async function* states(feed, wakes) {
    let [shown, wake] = [undefined, null];
    const call = () => wake?.();
    wakes.add(call);
    try {
        for (;;) {
            if (feed.body !== shown) yield structuredClone(shown = feed.body);
            else if (feed.mode === 'closed') return;
            else await new Promise(resolve => { wake = resolve; });
        }
    } finally { wakes.delete(call); }
}
