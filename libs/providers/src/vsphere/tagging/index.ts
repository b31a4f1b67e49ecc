export { VsphereTagsNotOffered } from './errors.js';
export { bearsTag, losesTag } from './tagging.js';
