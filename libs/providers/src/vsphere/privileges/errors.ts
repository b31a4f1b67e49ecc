import { LedgerliftError } from '@ledgerlift/contracts';

/** The user lacks a privilege that some migration would need. Told before one does. */
export class VspherePrivilegeMissing extends LedgerliftError {
  readonly code = 'LL-VSP-020';
  override readonly failure = 'needs-operator';
  /** @param on such as `VirtualMachine 'web' (vm-62)` */
  constructor(
    readonly user: string,
    readonly privilege: string,
    readonly on: string,
    reason: string,
  ) {
    super(
      `'${user}' lacks ${privilege} on ${on}, which is needed ${reason}; ` +
        "give it to the user's role ('ledgerlift vsphere role' prints one)",
      { field: 'secret' },
    );
  }
}

/** The server does not say which privileges the user has. */
export class VspherePrivilegesUnknown extends LedgerliftError {
  readonly code = 'LL-VSP-021';
  constructor(
    readonly server: string,
    reason: string,
  ) {
    super(
      `${server} does not say which privileges the user has: ${reason}; a migration finds out when it needs one`,
    );
  }
}

/** A host of `settings.hosts` is not one of the server's. */
export class VsphereHostUnknown extends LedgerliftError {
  readonly code = 'LL-VSP-022';
  constructor(readonly host: string) {
    super(
      `the server has no host '${host}'; its VMs are read through the server. Correct the name, or take it out`,
      {
        field: 'settings.hosts',
      },
    );
  }
}

/** A host of `settings.hosts` is to be logged in to, and its secret is not here. */
export class VsphereHostSecretMissing extends LedgerliftError {
  readonly code = 'LL-VSP-023';
  override readonly failure = 'needs-operator';
  constructor(
    readonly host: string,
    readonly secret: string,
    reason: string,
  ) {
    super(`disks at the host '${host}' cannot be read with the secret '${secret}': ${reason}`, {
      field: 'settings.hosts',
    });
  }
}
