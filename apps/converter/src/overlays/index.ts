export * from './overlay.js';
export { imageError, qemuImg } from './qemu-img.js';
