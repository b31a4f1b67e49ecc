import { type FailureClass, LedgerliftError } from '@ledgerlift/contracts';
import { classOfFault } from './soap/fault-classes.js';

/** The server did not answer, or something else answered in its place. Retried. */
export class VsphereUnreachable extends LedgerliftError {
  readonly code = 'LL-VSP-001';
  override readonly failure = 'transient';
  constructor(
    readonly server: string,
    readonly request: string,
    reason: string,
  ) {
    super(`${server} did not do ${request}: ${reason}`);
  }
}

/** The server refused a request, or its task failed. `fault` is vSphere's name for the reason. */
export class VsphereFault extends LedgerliftError {
  readonly code = 'LL-VSP-002';
  override readonly failure: FailureClass;
  constructor(
    readonly request: string,
    /** Such as `TaskInProgress`, for the type `vim.fault.TaskInProgress`. */
    readonly fault: string,
    readonly says: string,
  ) {
    super(`vSphere refused ${request}: ${fault}${says === '' ? '' : ` (${says})`}`);
    this.failure = classOfFault(fault);
  }
}

/** The certificate differs from the pinned one. Nothing was sent to the server. */
export class VsphereThumbprintDiffers extends LedgerliftError {
  readonly code = 'LL-VSP-003';
  override readonly failure = 'needs-operator';
  constructor(
    readonly server: string,
    readonly pinned: string,
    readonly seen: string,
  ) {
    super(
      `${server} has a certificate with the thumbprint ${seen}, not ${pinned}; nothing was sent to it. ` +
        'If the certificate was renewed, verify it at the server, then set the new thumbprint in the provider',
      { field: 'settings.thumbprint' },
    );
  }
}

/** The certificate cannot be trusted. Nothing was sent to the server. */
export class VsphereCertificateRefused extends LedgerliftError {
  readonly code = 'LL-VSP-004';
  override readonly failure = 'needs-operator';
  constructor(
    readonly server: string,
    reason: string,
    wayOut: string,
  ) {
    super(`the certificate of ${server} is not trusted: ${reason}; nothing was sent to it. ${wayOut}`, {
      field: 'settings.caCertificate',
    });
  }
}

/** The user or password is wrong, or the account may not log in. */
export class VsphereLoginRefused extends LedgerliftError {
  readonly code = 'LL-VSP-005';
  override readonly failure = 'needs-operator';
  constructor(
    readonly server: string,
    readonly secret: string,
    reason: string,
  ) {
    super(`${server} refused the login with the secret '${secret}': ${reason}`, { field: 'secret' });
  }
}

/** The account is locked after too many wrong passwords. Until it is unlocked, even the right password fails. */
export class VsphereAccountLocked extends LedgerliftError {
  readonly code = 'LL-VSP-024';
  override readonly failure = 'needs-operator';
  constructor(
    readonly server: string,
    readonly secret: string,
  ) {
    super(
      `${server} refused the login with the secret '${secret}': the account is locked; unlock it there, or wait until it is ` +
        'unlocked, and find out who logs in with a wrong password',
      { field: 'secret' },
    );
  }
}

/** The server's answer cannot be understood. */
export class VsphereAnswerMalformed extends LedgerliftError {
  readonly code = 'LL-VSP-006';
  constructor(
    readonly server: string,
    readonly request: string,
    reason: string,
  ) {
    super(
      `cannot understand the answer of ${server} to ${request}: ${reason}; is the address that of the SDK?`,
    );
  }
}

/** An operation did not end within its time limit. It may still end; a retry finds its result. */
export class VsphereWaitTooLong extends LedgerliftError {
  readonly code = 'LL-VSP-007';
  override readonly failure = 'transient';
  constructor(
    readonly what: string,
    readonly limitMs: number,
  ) {
    super(`${what} did not end within ${limitMs} ms`);
  }
}

/** The user lacks a privilege, which the error names so that it can be granted. */
export class VspherePermissionDenied extends LedgerliftError {
  readonly code = 'LL-VSP-008';
  override readonly failure = 'needs-operator';
  constructor(
    readonly request: string,
    readonly privilege: string,
    readonly on: string,
  ) {
    super(
      `the user may not do ${request}: it lacks the privilege ${privilege} on ${on}; add it to the user's role`,
    );
  }
}

/** A datastore is full. Snapshots grow with everything that their VM writes. */
export class VsphereDatastoreFull extends LedgerliftError {
  readonly code = 'LL-VSP-025';
  override readonly failure = 'needs-operator';
  constructor(
    readonly request: string,
    readonly datastore: string | undefined,
    says: string,
  ) {
    const which = datastore === undefined ? 'a datastore of the VM' : `the datastore '${datastore}'`;
    super(
      `vSphere could not do ${request}: ${which} is full${says === '' ? '' : ` (${says})`}; free space on it, or move ` +
        'disks of the VM to another one, then retry',
    );
  }
}

/** vSphere reported a snapshot as removed, but still lists it. */
export class VsphereSnapshotStays extends LedgerliftError {
  readonly code = 'LL-VSP-026';
  override readonly failure = 'transient';
  constructor(
    readonly vm: string,
    readonly snapshot: string,
  ) {
    super(`the snapshot '${snapshot}' of ${vm} still exists after its removal; Ledgerlift removes it again`);
  }
}

/** The snapshot to be read is gone, or was replaced by another of the same name. */
export class VsphereSnapshotLost extends LedgerliftError {
  readonly code = 'LL-VSP-010';
  override readonly outcome = 'snapshot-lost';
  constructor(
    readonly vm: string,
    readonly snapshot: string,
    reason: string,
  ) {
    super(
      `the snapshot '${snapshot}' of ${vm} ${reason}; data read so far is kept, the rest needs a new snapshot`,
    );
  }
}

/** The VM is on or suspended, so its disks cannot be read directly. */
export class VsphereVmNotOff extends LedgerliftError {
  readonly code = 'LL-VSP-011';
  override readonly failure = 'needs-operator';
  constructor(
    readonly vm: string,
    readonly state: string,
    wayOut: string,
  ) {
    super(`${vm} must be off, but is ${state}; ${wayOut}`);
  }
}

/** The guest did not shut down within its time limit, or has no VMware Tools to ask for it. */
export class VsphereGuestStillUp extends LedgerliftError {
  readonly code = 'LL-VSP-012';
  override readonly failure: FailureClass;
  constructor(
    readonly vm: string,
    why: string,
    then: 'fail' | 'wait',
  ) {
    super(`${vm} is still up: ${why}; shut it down, then retry`);
    this.failure = then === 'wait' ? 'needs-operator' : 'permanent';
  }
}

/** Changed block tracking is on, but a new snapshot has no change ids. */
export class VsphereChangesNotTracked extends LedgerliftError {
  readonly code = 'LL-VSP-013';
  override readonly failure = 'needs-operator';
  constructor(
    readonly vm: string,
    readonly disks: readonly string[],
  ) {
    super(
      `no changes are tracked on ${disks.join(', ')} of ${vm}; turn changed block tracking on ` +
        "(the plan's `warm.enableChangeTracking` does), or migrate it cold",
    );
  }
}

/** A VM is blocked by a question in vCenter, such as whether it was moved or copied. */
export class VsphereVmAsks extends LedgerliftError {
  readonly code = 'LL-VSP-014';
  override readonly failure = 'needs-operator';
  constructor(
    readonly vm: string,
    readonly question: string,
  ) {
    super(`${vm} waits for an answer in vCenter: ${question}; answer it there, then retry`);
  }
}

/** vSphere lists a VM without its configuration, because its storage or host is unavailable. Never treated as deleted. */
export class VsphereVmUnreadable extends LedgerliftError {
  readonly code = 'LL-VSP-015';
  override readonly failure = 'transient';
  constructor(
    readonly vm: string,
    readonly state: string,
  ) {
    super(
      `vSphere reports ${vm} as ${state}, without its configuration; check the VM's host and storage, ` +
        'or remove the VM from the inventory',
    );
  }
}

/** The VM was marked as a template. It still exists, and so do the resources of its migration. */
export class VsphereVmIsTemplate extends LedgerliftError {
  readonly code = 'LL-VSP-027';
  override readonly failure = 'needs-operator';
  constructor(readonly vm: string) {
    super(`${vm} is now a template; convert it back to a VM, then retry`);
  }
}

/** Nothing proves that a powered-off VM has not run since the last look. */
export class VsphereMomentUnknown extends LedgerliftError {
  readonly code = 'LL-VSP-028';
  override readonly failure = 'needs-operator';
  constructor(
    readonly vm: string,
    reason: string,
    wayOut: string,
  ) {
    super(`cannot tell whether ${vm} has run: ${reason}; ${wayOut}`);
  }
}

/** Change tracking cannot be turned on because the VM has snapshots that Ledgerlift did not make. */
export class VsphereSnapshotsHinderTracking extends LedgerliftError {
  readonly code = 'LL-VSP-029';
  override readonly failure = 'needs-operator';
  constructor(
    readonly vm: string,
    readonly snapshots: readonly string[],
  ) {
    super(
      `changed block tracking is off on ${vm}, and cannot be turned on while it has snapshots (${snapshots.join(', ')}): ` +
        'it would report wrong changes; remove them and retry, or migrate the VM cold',
    );
  }
}
