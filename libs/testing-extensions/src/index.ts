import { labProvider } from './lab/provider.js';
import { toyProvider } from './toy/provider.js';
import { toyTarget } from './toy/target.js';

export { labProvider };
/** What a service has that is started with LEDGERLIFT_EXTENSIONS=@ledgerlift/testing-extensions. */
export const providers = [labProvider, toyProvider];
export const targets = [toyTarget];
