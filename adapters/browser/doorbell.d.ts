/** Ask for push only when the server says so (`auto`), never (`poll`), or whether it says so or not (`push`). */
export type TransportOption = 'auto' | 'poll' | 'push';

/** What brings the data. */
export type Via = 'poll' | 'websocket' | 'events' | 'long-poll';

export interface Status {
    /** `poll` until push is proven to work, and whenever it stops being so. */
    transport: 'poll' | 'push';
    via: Via;
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

/** Where the rows of a poll body are, so that row changes can be applied to it without a fetch. */
export interface RowOptions<Row = any> {
    /** The list in the body, such as `items` or `data.rows`; empty: the body itself. Default `items`. */
    items?: string;
    /** The column, or columns, that tell rows apart. Default `id`. */
    key?: string | string[];
    /**
     * The list's order: a column, with `-` before it descending, or a comparison as for `sort`. Without it new rows come last. Where the column is
     * `null` or of two kinds, or the comparison says NaN, the state is fetched.
     */
    order?: string | ((a: Row, b: Row) => number);
    /** At most so many rows. Where a row behind them moves in, the state is fetched. */
    limit?: number;
    /** Which rows are in the list. Default: all of the channel. */
    where?: (row: Row) => boolean;
}

export interface Options<Body = any, Row = Record<string, unknown>> {
    /** Time between two polls in ms. Default 3000, also for what is no positive number. */
    interval?: number;
    /** Default `auto`. */
    transport?: TransportOption;
    /** Gets the whole state: first, and whenever it changes, whatever brought it. It is the page's own, to change as it likes. */
    onData?: (body: Body) => void;
    /** How row changes become a new state. Without it, and without `apply`, the state is fetched after a change. */
    rows?: RowOptions<Row>;
    /**
     * The same by a function: the new state after a change, or nothing to have it fetched. It has no other effect: it may be called twice for
     * one change, with another state.
     */
    apply?: (body: Body, change: Change<Row>) => Body | undefined;
    /** Gets each row change, once. Only while push is live, and then also what was missed while it was not. */
    onChange?: (change: Change<Row>) => void;
    /** Gets what the application or a client says on the channel, once. A poll does not bring it; push brings what was missed. */
    onMessage?: (message: DirectMessage) => void;
    onStatus?: (status: Status) => void;
    /**
     * The state that push had made differed from the poll's, which is shown now, in these `fields`, such as `items[].price`. Told when a field
     * differs for the first time; by default `console.warn` says so. Where row changes had made that state they are not applied from then on:
     * after a change it is fetched.
     */
    onDrift?: (difference: { was: Body; is: Body; fields: string[] }) => void;
    /** Every so many ms the state is compared with a poll, for the first time 30 s after the first row change; 0: never. Default 300000. */
    drift?: number;
    /**
     * Silence, in ms, after which a connection is doubted and polls begin: from 1000. Default: the interval, so that nothing is ever older
     * than with the loop. Longer ones save pings, which are sent after 0.6 of it.
     */
    proof?: number;
    /** A page that is in the background for so many ms stops, and catches up when it is seen again; `false`: never. Default 30000. */
    background?: number | false;
    /** Versions of the messages that the page understands, best first. Default: the feature's lowest. */
    version?: number | number[];
    /**
     * One connection for all tabs that give the same name here, which says who is signed in, such as the user's number. Needs Web Locks and
     * BroadcastChannel. Without it each page has a connection of its own.
     */
    tabs?: string;
    /**
     * Gets a token, anew each time one was refused or is about to expire. Polls carry it as `Authorization: Bearer`. Feeds with the same function
     * share a connection.
     */
    token?: () => string | Promise<string>;
    /**
     * How the connection says who it is: `cookie` (default without `token`), `bearer`: the token as a subprotocol (default with one),
     * `message`: the token as the first message, `ticket`: fetched from the service, for what the request carries.
     */
    auth?: 'cookie' | 'bearer' | 'message' | 'ticket';
    /** The WebSocket; event streams and tickets are beside it. Default `/_doorbell/ws` beside `url`. Feeds with the same one share a connection. */
    socketURL?: string;
    /** More headers for the polls. */
    headers?: Record<string, string>;
    /** As for `fetch`. Default `same-origin`. */
    credentials?: RequestCredentials;

    // What the adapter takes from its surroundings; tests give their own.
    fetch?: typeof fetch;
    WebSocket?: new (url: string, protocols?: string[]) => WebSocket;
    BroadcastChannel?: new (name: string) => BroadcastChannel;
    locks?: Pick<LockManager, 'request'>;
    document?: Pick<Document, 'visibilityState' | 'addEventListener'>;
    window?: Pick<Window, 'addEventListener'>;
    setTimeout?: (callback: () => void, delay: number) => any;
    clearTimeout?: (timer: any) => void;
    /** Unix time in ms that is never set back. Default: that of `performance`. */
    now?: () => number;
    /** From 0 up to 1. Default `Math.random`. */
    random?: () => number;
}

export interface Feed<Body = any> extends AsyncIterable<Body> {
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
        /** Times that the state had to be repaired. */
        drifts: number;
        /** When the shown state last changed, by `now`; `null`: nothing is shown yet. */
        lastUpdate: number | null;
    };
}

/** Follows `url`: polls it as a loop would; is pushed to while the server says so and push is proven to work. */
export function live<Body = any, Row = Record<string, unknown>>(url: string | URL, options?: Options<Body, Row>): Feed<Body>;
