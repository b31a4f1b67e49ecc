export { applianceEnvironment } from './appliance-environment.js';
export { guest, guestImage } from './guest-image.js';
//# sourceMappingURL=index.js.map