import { Options, Status } from '../doorbell';

/** `url` may be a ref or a getter; null: no feed. `data` and `status` are shallow refs. */
export function useLive<Body = any, Row = Record<string, unknown>>(
    url: string | null | { value: string | null } | (() => string | null), options?: Options<Body, Row>,
): { data: { value: Body | undefined }; status: { value: Status }; refresh(): Promise<void> };
