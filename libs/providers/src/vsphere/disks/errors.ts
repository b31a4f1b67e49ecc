import { LedgerliftError } from '@ledgerlift/contracts';
import type { NotTaken } from './index.js';

/** What reads a disk lost its connection, or was ended. Tried again, from the last checkpoint. */
export class VsphereDiskReadFailed extends LedgerliftError {
  readonly code = 'LL-VSP-040';
  override readonly failure = 'transient';
  constructor(
    readonly disk: string,
    readonly way: string,
    reason: string,
  ) {
    super(`reading '${disk}' by ${way} failed: ${reason}`);
  }
}

/** VDDK was refused the login. */
export class VsphereDiskLoginRefused extends LedgerliftError {
  readonly code = 'LL-VSP-041';
  override readonly failure = 'needs-operator';
  constructor(
    readonly server: string,
    readonly secret: string,
    reason: string,
  ) {
    super(
      `${server} refused VDDK the login with the secret '${secret}': ${reason}; ` +
        "see that it has the right 'user' and 'password', and that the account is not locked",
      { field: 'secret' },
    );
  }
}

/** What reads a disk does not trust the certificate. Nothing was sent. */
export class VsphereDiskCertificateRefused extends LedgerliftError {
  readonly code = 'LL-VSP-042';
  override readonly failure = 'needs-operator';
  constructor(
    readonly server: string,
    readonly way: string,
    reason: string,
  ) {
    super(
      `the certificate of ${server} was refused when a disk was to be read by ${way}: ${reason}; ` +
        'compare its thumbprint with the one that the provider or its host has',
      { field: 'settings.thumbprint' },
    );
  }
}

/** The user may log in, and may not read disks. */
export class VsphereDiskDenied extends LedgerliftError {
  readonly code = 'LL-VSP-043';
  override readonly failure = 'needs-operator';
  constructor(
    readonly disk: string,
    readonly privilege: string,
    reason: string,
  ) {
    super(`the user may not read '${disk}': ${reason}; give its role the privilege ${privilege}`);
  }
}

/** The file of a disk is not where vSphere said a moment ago: it may be on its way to another datastore. */
export class VsphereDiskFileMissing extends LedgerliftError {
  readonly code = 'LL-VSP-044';
  override readonly failure = 'transient';
  constructor(
    readonly disk: string,
    readonly file: string,
    reason: string,
  ) {
    super(`the file '${file}' of '${disk}' was not found: ${reason}`);
  }
}

/** The VM, or the snapshot that is to be read, has no such disk. */
export class VsphereDiskGone extends LedgerliftError {
  readonly code = 'LL-VSP-045';
  constructor(
    readonly disk: string,
    readonly where: string,
  ) {
    super(`${where} no longer has the disk '${disk}'; retry the VM to look up its disks again`);
  }
}

/** No method of reading the disk works. */
export class VsphereNoWay extends LedgerliftError {
  readonly code = 'LL-VSP-046';
  override readonly failure = 'needs-operator';
  constructor(
    readonly disk: string,
    readonly notTaken: readonly NotTaken[],
  ) {
    const reasons = notTaken.map(({ way, why }) => `${way}: ${why}`).join('; ');
    super(
      `no method can read '${disk}' (${reasons}); install VDDK on the transfer worker ` +
        "('ledgerlift doctor' says how)",
    );
  }
}

/** The lease under which a VM is exported was refused, or ended too early. The disk is exported again. */
export class VsphereLeaseLost extends LedgerliftError {
  readonly code = 'LL-VSP-047';
  override readonly failure = 'transient';
  constructor(
    readonly vm: string,
    reason: string,
  ) {
    super(`the export of ${vm} ended before its time: ${reason}`);
  }
}

/** The export is not the whole disk. It is repeated. */
export class VsphereExportIncomplete extends LedgerliftError {
  readonly code = 'LL-VSP-048';
  override readonly failure = 'transient';
  constructor(
    readonly disk: string,
    reason: string,
  ) {
    super(`the export of '${disk}' is not the whole disk: ${reason}`);
  }
}

/** One link of a chain of files was to be read as the whole disk. */
export class VsphereSingleLinkOnChain extends LedgerliftError {
  readonly code = 'LL-VSP-049';
  override readonly failure = 'needs-operator';
  constructor(
    readonly disk: string,
    readonly file: string,
  ) {
    super(
      `'${disk}' is a chain of files, and the provider's 'vddk.singleLink' reads only '${file}' of it: what its parents ` +
        "hold would be lost; set 'vddk.singleLink' to false, or remove the snapshots of the VM",
      { field: 'settings.vddk.singleLink' },
    );
  }
}
