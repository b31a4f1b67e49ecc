import { LedgerliftError } from '@ledgerlift/contracts';

/** The server has no tags. Reported with the other actions, because it blocks nothing else. */
export class VsphereTagsNotOffered extends LedgerliftError {
  readonly code = 'LL-VSP-016';
  constructor(
    readonly server: string,
    readonly tag: string,
  ) {
    super(
      `${server} has no tags, so the VM does not bear '${tag}'; only a vCenter has some: give the provider its address, or mark the VM by hand`,
    );
  }
}

/** The tag that a plan names with its category is to be there already, and is not. */
export class VsphereTagMissing extends LedgerliftError {
  readonly code = 'LL-VSP-017';
  override readonly failure = 'needs-operator';
  constructor(
    readonly tag: string,
    what: string,
    ours: string,
  ) {
    super(
      `there is no tag '${tag}': ${what}; make it in vCenter, see that the user may read it, or leave the category out ` +
        `of \`retireSource.tag\`, so that the tag is made in the category '${ours}'`,
    );
  }
}

/** The user may not make or attach a tag. Tags lie in no folder, and inherit nothing from the root folder. */
export class VsphereTagDenied extends LedgerliftError {
  readonly code = 'LL-VSP-018';
  override readonly failure = 'needs-operator';
  constructor(
    readonly tag: string,
    readonly privileges: readonly string[],
    to: string,
    reason: string,
  ) {
    super(
      `the user may not ${to}, so the VM does not bear '${tag}': ${reason}; give its role ${privileges.join(' and ')}, ` +
        'as a global permission: what is given at the root folder does not hold for tags',
    );
  }
}

/** vCenter refused to make or attach a tag, such as a second one of a category that allows a VM only one. */
export class VsphereTagRefused extends LedgerliftError {
  readonly code = 'LL-VSP-019';
  override readonly failure = 'needs-operator';
  constructor(
    readonly tag: string,
    to: string,
    reason: string,
  ) {
    super(
      `vCenter refused to ${to}: ${reason}; see whether the category of '${tag}' is for VMs, and allows as many tags of one VM`,
    );
  }
}
