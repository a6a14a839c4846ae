// What few pages need, so that only they load it.
export { credentials } from './credentials.js';
export { reconcile } from './drift.js';
export { applied } from './rows.js';
export { states } from './states.js';
export { stream } from './stream.js';
export { Tabs } from './tabs.js';
