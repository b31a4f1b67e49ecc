export * from './overlay.js';
export { imageError } from './qemu-img.js';
export { overlayRoom } from './room.js';
