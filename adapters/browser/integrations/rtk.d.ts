import { Options } from '../doorbell';

/** For `onCacheEntryAdded` of an endpoint. */
export function streaming<Argument = any, Body = any>(
    url: (argument: Argument) => string, options?: Options<Body>,
): (argument: Argument, api: {
    cacheDataLoaded: Promise<any>; cacheEntryRemoved: Promise<void>; updateCachedData(recipe: (draft: any) => any): any;
}) => Promise<void>;
