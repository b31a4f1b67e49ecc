import { directoryTarget } from './directory/index.js';
import type { Target, TargetType } from './port.js';

/** Every target there is. A new one is a folder and a line here. */
const targets: Readonly<Record<TargetType, Target>> = {
  directory: directoryTarget,
};

export const targetOf = (type: TargetType): Target => targets[type];
