// What the cores have in common. A core decides and does nothing itself: an event goes in with the time at which it happened, a list of
// actions comes out. It has no timers: `wake` says when it wants the event `time` next.

export class Core {
    out = [];
    now = 0;

    /** Tells the core what happened at `now` (ms). Returns what is to be done: arrays of a name and its arguments, in order. */
    on(now, event, ...values) {
        this.now = now;
        this[event](...values);
        return this.out.splice(0);
    }

    do(...action) { this.out.push(action); }
}

/** The earliest of some times; `Infinity`: none. */
export const earliest = times => Math.min(Infinity, ...times);
