import { Options } from '../doorbell';

/** A `fetch` that answers GETs of `urls` with the state of a feed; everything else goes to the network. */
export function liveFetch(
    urls: string | string[] | ((url: string) => boolean), options?: Options,
): ((input: RequestInfo | URL, init?: RequestInit) => Promise<Response>) & { /** Ends the feeds. */ close(): void };
