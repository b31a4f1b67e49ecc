import { type FailureClass, LedgerliftError } from '@ledgerlift/contracts';
import { classOfFault } from './soap/fault-classes.js';

/** The server gave no answer, or one that is not its own. Tried again. */
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

/** The server refused a request, or a task of it failed. `fault` is the name that vSphere gives the reason. */
export class VsphereFault extends LedgerliftError {
  readonly code = 'LL-VSP-002';
  override readonly failure: FailureClass;
  constructor(
    readonly request: string,
    /** Such as `TaskInProgress`; of the type `vim.fault.…`. */
    readonly fault: string,
    readonly says: string,
  ) {
    super(`vSphere refused ${request}: ${fault}${says === '' ? '' : ` (${says})`}`);
    this.failure = classOfFault(fault);
  }
}

/** The certificate is not the one that was pinned. Nothing was sent to the server. */
export class VsphereThumbprintDiffers extends LedgerliftError {
  readonly code = 'LL-VSP-003';
  override readonly failure = 'needs-operator';
  constructor(
    readonly server: string,
    readonly pinned: string,
    readonly seen: string,
  ) {
    super(
      `${server} shows a certificate with the thumbprint ${seen}, not ${pinned}; nothing was sent to it. ` +
        'If the certificate was renewed, compare it at the server, and give the provider the new thumbprint',
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

/** User or password are wrong, or the account may not log in. */
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

/** The account is locked: too many logins with a wrong password. While it is, the right one is no help. */
export class VsphereAccountLocked extends LedgerliftError {
  readonly code = 'LL-VSP-024';
  override readonly failure = 'needs-operator';
  constructor(
    readonly server: string,
    readonly secret: string,
  ) {
    super(
      `${server} refused the login with the secret '${secret}': the account is locked; unlock it there, or wait until it is ` +
        'unlocked, and see who logs in with a wrong password',
      { field: 'secret' },
    );
  }
}

/** The server's answer is not one that we understand. */
export class VsphereAnswerMalformed extends LedgerliftError {
  readonly code = 'LL-VSP-006';
  constructor(
    readonly server: string,
    readonly request: string,
    reason: string,
  ) {
    super(
      `the answer of ${server} to ${request} is not understood: ${reason}; is its address that of the SDK?`,
    );
  }
}

/** Something was begun and did not end within its time limit. It may yet end: whoever tries again finds it. */
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

/** The user lacks privileges. Each is named, so that they can be given. */
export class VspherePermissionDenied extends LedgerliftError {
  readonly code = 'LL-VSP-008';
  override readonly failure = 'needs-operator';
  constructor(
    readonly request: string,
    readonly privilege: string,
    readonly on: string,
  ) {
    super(
      `the user may not do ${request}: it lacks the privilege ${privilege} on ${on}; give it to the user's role`,
    );
  }
}

/** A datastore has no room for what was asked: a snapshot grows with all that its VM writes. */
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
      `vSphere could not do ${request}: ${which} is full${says === '' ? '' : ` (${says})`}; make room on it, or move ` +
        'disks of the VM to another one, and retry',
    );
  }
}

/** A snapshot was removed by vSphere's word, and is listed. */
export class VsphereSnapshotStays extends LedgerliftError {
  readonly code = 'LL-VSP-026';
  override readonly failure = 'transient';
  constructor(
    readonly vm: string,
    readonly snapshot: string,
  ) {
    super(`the snapshot '${snapshot}' of ${vm} is still there after its removal; it is removed again`);
  }
}

/** The snapshot that was to be read is gone, or is another one of that name. */
export class VsphereSnapshotLost extends LedgerliftError {
  readonly code = 'LL-VSP-010';
  override readonly outcome = 'snapshot-lost';
  constructor(
    readonly vm: string,
    readonly snapshot: string,
    reason: string,
  ) {
    super(
      `the snapshot '${snapshot}' of ${vm} ${reason}; what was read of it stands, the rest needs a new one`,
    );
  }
}

/** The disks of a VM that is on, or suspended, cannot be read as they are. */
export class VsphereVmNotOff extends LedgerliftError {
  readonly code = 'LL-VSP-011';
  override readonly failure = 'needs-operator';
  constructor(
    readonly vm: string,
    readonly state: string,
    wayOut: string,
  ) {
    super(`${vm} was to be off, and is ${state}; ${wayOut}`);
  }
}

/** The guest was asked to shut down, and is up after its time limit; or there are no tools that could be asked. */
export class VsphereGuestStillUp extends LedgerliftError {
  readonly code = 'LL-VSP-012';
  override readonly failure: FailureClass;
  constructor(
    readonly vm: string,
    why: string,
    then: 'fail' | 'wait',
  ) {
    super(`${vm} is still up: ${why}; shut it down, and retry`);
    this.failure = then === 'wait' ? 'needs-operator' : 'permanent';
  }
}

/** Changed block tracking is on, and a new snapshot has no change ids all the same. */
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

/** A VM waits for the answer to a question, as after it was copied, and does nothing until then. */
export class VsphereVmAsks extends LedgerliftError {
  readonly code = 'LL-VSP-014';
  override readonly failure = 'needs-operator';
  constructor(
    readonly vm: string,
    readonly question: string,
  ) {
    super(`${vm} waits for an answer in vCenter: ${question}; answer it there, and retry`);
  }
}

/** vSphere knows a VM, and nothing of its configuration: its storage or its host is away. Never taken for gone. */
export class VsphereVmUnreadable extends LedgerliftError {
  readonly code = 'LL-VSP-015';
  override readonly failure = 'transient';
  constructor(
    readonly vm: string,
    readonly state: string,
  ) {
    super(
      `vSphere knows nothing of the configuration of ${vm}: it is ${state}; see to its host and its storage, ` +
        'or remove it from the inventory',
    );
  }
}

/** A VM was marked as a template. It is still there, and so is what was made for its migration. */
export class VsphereVmIsTemplate extends LedgerliftError {
  readonly code = 'LL-VSP-027';
  override readonly failure = 'needs-operator';
  constructor(readonly vm: string) {
    super(`${vm} is a template now; convert it to a VM again, and retry`);
  }
}

/** Nothing proves that a VM that is off has not run since it was looked at last. */
export class VsphereMomentUnknown extends LedgerliftError {
  readonly code = 'LL-VSP-028';
  override readonly failure = 'needs-operator';
  constructor(
    readonly vm: string,
    reason: string,
    wayOut: string,
  ) {
    super(`it cannot be told whether ${vm} has run: ${reason}; ${wayOut}`);
  }
}

/** Change tracking was to be turned on for a VM that has snapshots of others. */
export class VsphereSnapshotsHinderTracking extends LedgerliftError {
  readonly code = 'LL-VSP-029';
  override readonly failure = 'needs-operator';
  constructor(
    readonly vm: string,
    readonly snapshots: readonly string[],
  ) {
    super(
      `changed block tracking is off on ${vm}, and cannot be turned on while it has snapshots (${snapshots.join(', ')}): ` +
        'what it tells of changes would be wrong; remove them, and retry, or migrate it cold',
    );
  }
}
