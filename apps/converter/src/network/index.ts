export { firstBootScript, macArguments, type StaticNic, staticNics } from './addresses.js';
export { type GuestFile, macOf, NETWORK_FOLDERS } from './formats/index.js';
export { type NewFiles, linkFiles } from './link-files.js';
export { type KnownNic, knownNics, namesOfNics } from './names.js';
