export { VsphereHostSecretMissing, VsphereHostUnknown } from './errors.js';
export { missingPrivileges, privilegeProblems } from './missing.js';
export {
  type PrivilegeUse,
  type VsphereKind,
  privilegeUses,
  requiredPrivileges,
  vsphereRole,
} from './required.js';
