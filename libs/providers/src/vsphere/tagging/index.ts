export { VsphereTagsNotOffered } from './errors.js';
export { bearsTag } from './tagging.js';
