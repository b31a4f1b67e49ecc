import type { SourceRequirements } from '../../requirements.js';
import { lookForTools } from './look.js';
import { report } from './report.js';
import { vddkVariables } from './vddk-settings.js';

export { VDDK, type VsphereTools, vsphereToolsOf } from './look.js';
export { vddkMisfit } from './vddk-version.js';

/** What a machine must have to read disks of vSphere. */
export const vsphereRequirements: SourceRequirements = {
  variables: vddkVariables,
  look: lookForTools,
  report,
};
