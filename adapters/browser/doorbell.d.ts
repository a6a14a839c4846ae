/** Ask for push only when the server says so (`auto`), never (`poll`), or whether it says so or not (`push`). */
export type TransportOption = 'auto' | 'poll' | 'push';

export interface Status {
    /** What brings the data now. `poll` until push is proven to work, and whenever it stops being so. */
    transport: 'poll' | 'push';
    /** Whether push is live: the same as `transport === 'push'`. */
    live: boolean;
    /** Why, for people. */
    reason: string;
}

/** One row change, as in PROTOCOL.md section 4. The names and values in `data` are those of the feature's version. */
export interface Change<Row = Record<string, unknown>> {
    /** The feature's own type; `change` unless it has one. */
    type: string;
    channel: string;
    version: number;
    /** Opaque: compare for equality only. */
    position: string;
    previous: string | null;
    op: 'insert' | 'update' | 'delete' | 'truncate';
    /** The key columns; absent for `truncate` and for tables without a key. */
    key?: Record<string, unknown>;
    /** The row: for `insert` and `update`. */
    data?: Row;
    /** The members of `data` that an `update` changed. */
    changed?: string[];
    /** Commit time, Unix ms. */
    timestamp: number;
}

/** A direct message, as in PROTOCOL.md section 4. */
export interface DirectMessage<Data = any> {
    type: 'message';
    channel: string;
    /** Opaque: compare for equality only. */
    position: string;
    previous: string | null;
    data: Data;
    /** The user who said it, as far as the service knows. */
    from?: string;
    /** The connection that published it, and the `id` of its `publish`. */
    session?: string;
    id?: string | number;
    /** Commit time, Unix ms. */
    timestamp: number;
}

export interface Options<Body = any, Row = Record<string, unknown>> {
    /** Time between two polls in ms. Default 3000. */
    interval?: number;
    /** Default `auto`. */
    transport?: TransportOption;
    /** Gets the whole state: first, and whenever it differs from what was shown. */
    onData?: (body: Body) => void;
    /**
     * Gets each row change and the state shown last. Return the new state (`onData` gets it), nothing when the page has
     * dealt with the change itself, or `false` to have the whole state fetched. Without `onChange` it is fetched always.
     * A change may come twice, and an older one once more after a newer one that the poll already showed, before the
     * newer one follows again: apply changes by key.
     */
    onChange?: (change: Change<Row>, body: Body) => Body | false | void;
    /** Gets what the application or a client says on the channel. Only while push is live: a poll does not bring it. */
    onMessage?: (message: DirectMessage) => void;
    onStatus?: (status: Status) => void;
    /** Versions of the messages that the page understands, best first. Default: the feature's lowest. */
    version?: number | number[];
    /** The WebSocket. Default `/_doorbell/ws` beside `url`. Feeds with the same one share a connection. */
    socketURL?: string;
    /** More headers for the polls. */
    headers?: Record<string, string>;
    /** As for `fetch`. Default `same-origin`. */
    credentials?: RequestCredentials;

    // What the adapter takes from its surroundings; tests give their own.
    fetch?: typeof fetch;
    WebSocket?: new (url: string, protocols?: string[]) => WebSocket;
    setTimeout?: (callback: () => void, delay: number) => any;
    clearTimeout?: (timer: any) => void;
    /** Milliseconds. Default `Date.now`. */
    now?: () => number;
    /** From 0 up to 1. Default `Math.random`. */
    random?: () => number;
}

export interface Feed {
    /** Ends it: no timer, request, subscription or call is left. */
    close(): void;
    /** Fetches the whole state now. Fulfilled when that has ended, whether or not it worked; never rejected. */
    refresh(): Promise<void>;
    readonly status: Status;
    readonly transport: 'poll' | 'push';
    readonly stats: {
        /** Polls sent. */
        requests: number;
        /** Messages of the feed's channels received. */
        messages: number;
        /** When the shown state last changed, in the unit of `now`; `null`: nothing is shown yet. */
        lastUpdate: number | null;
    };
}

/** Follows `url`: polls it as a loop would; is pushed to while the server says so and push is proven to work. */
export function live<Body = any, Row = Record<string, unknown>>(url: string | URL, options?: Options<Body, Row>): Feed;
