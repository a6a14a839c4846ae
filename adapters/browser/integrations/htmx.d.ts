import { Options } from '../doorbell';

/** Follows the elements with `data-live` in `root`; they get the event `doorbell`. Returns what ends it. */
export function liveElements(options?: Options, root?: Document | Element): () => void;
