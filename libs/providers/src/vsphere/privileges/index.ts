export { VsphereHostSecretMissing, VsphereHostUnknown } from './errors.js';
export { missingPrivileges } from './missing.js';
export { privilegeProblems } from './problems.js';
export { type PrivilegeUse, type VsphereKind, privilegeUses, requiredPrivileges } from './required.js';
export { vsphereRole } from './role.js';
