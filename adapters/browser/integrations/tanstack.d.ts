import { Options } from '../doorbell';

/** As much of a `QueryClient` as is used. */
export interface LiveQueryClient {
    getQueryCache(): { getAll(): any[]; get(hash: string): any; subscribe(listener: (event: any) => void): () => void };
    setQueryData(key: any, data: any): any;
}

/** Follows queries with `meta: { live: url }`, or `meta: { live: { url, … } }`, while they are observed. Returns what ends it. */
export function liveQueries(client: LiveQueryClient, options?: Options): () => void;
