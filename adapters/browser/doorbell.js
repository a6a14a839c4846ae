// Live data for a page that polls today. No dependencies, no build step. `served/client.js` is the same in one file.
export { live } from './src/live.js';
