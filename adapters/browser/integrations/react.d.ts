import { Options, Status } from '../doorbell';

/** `data` is undefined until there is something; `url` null: no feed. */
export function useLive<Body = any, Row = Record<string, unknown>>(
    url: string | null | undefined, options?: Options<Body, Row>,
): { data: Body | undefined; status: Status };
