export { VsphereHostSecretMissing, VsphereHostUnknown } from './errors.js';
export { missingPrivileges } from './missing.js';
export { privilegeProblems } from './problems.js';
export {
  type PrivilegeUse,
  type VsphereKind,
  privilegeUses,
  requiredPrivileges,
  useWords,
} from './required.js';
export { type RoleKind, roleFormats, roleKinds, roleText } from './role.js';
