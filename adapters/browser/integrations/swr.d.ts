import { Options } from '../doorbell';

/** An SWR middleware: `use: [liveSWR()]`. */
export function liveSWR(options?: Options): (useSWRNext: any) => any;
/** For `useSWRSubscription`. */
export function subscribe<Body = any>(
    options?: Options<Body>,
): (key: string, handlers: { next: (error?: any, data?: any) => void }) => () => void;
