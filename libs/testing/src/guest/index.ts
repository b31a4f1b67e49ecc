export { applianceEnvironment } from './appliance-environment.js';
export { guest, guestImage } from './guest-image.js';
export { readGuestFile } from './read-guest-file.js';
