import { type FailureClass, LedgerliftError } from '@ledgerlift/contracts';

/** The API server did not answer, or cannot answer now. Retried. */
export class KubernetesUnreachable extends LedgerliftError {
  readonly code = 'LL-KUB-001';
  override readonly failure = 'transient';
  constructor(
    readonly server: string,
    readonly request: string,
    readonly reason: string,
  ) {
    super(
      `${server} did not answer ${request}: ${reason}. Check that the address is right and reachable from this site.`,
    );
  }
}

/** The API server rejected the credentials: the token or certificate has expired, was revoked, or is for another cluster. */
export class KubernetesLoginRefused extends LedgerliftError {
  readonly code = 'LL-KUB-002';
  override readonly failure = 'needs-operator';
  override readonly effect = 'none';
  constructor(
    readonly server: string,
    /** Where the credentials come from. */
    readonly from: string,
  ) {
    super(
      `${server} does not accept the credentials from ${from}. Replace them at this site; the next retry reads them again.`,
      { field: 'secret' },
    );
  }
}

/** The account lacks a right, named in RBAC's terms. */
export class KubernetesForbidden extends LedgerliftError {
  readonly code = 'LL-KUB-003';
  override readonly failure = 'needs-operator';
  override readonly effect = 'none';
  constructor(
    readonly server: string,
    readonly verb: string,
    /** As written in a role, such as `virtualmachines` or `pods/exec`. */
    readonly resource: string,
    /** API group; empty for the core group. */
    readonly group: string,
    /** Undefined for the whole cluster. */
    readonly namespace: string | undefined,
  ) {
    super(
      `${server} does not allow '${verb}' of ${qualified(resource, group)} ${
        namespace === undefined ? 'in the whole cluster' : `in the namespace '${namespace}'`
      }. Grant it to the account that Ledgerlift uses: apply the role that Ledgerlift prints.`,
    );
  }
}

/** The API server's certificate cannot be trusted. Nothing was sent to it. */
export class KubernetesCertificateRefused extends LedgerliftError {
  readonly code = 'LL-KUB-004';
  override readonly failure = 'needs-operator';
  override readonly effect = 'none';
  constructor(
    readonly server: string,
    readonly reason: string,
  ) {
    super(
      `the certificate of ${server} is not trusted: ${reason}; nothing was sent to it. Set the certificate of the ` +
        'authority that signed it, and the host name that it was issued for.',
      { field: 'settings.access' },
    );
  }
}

/** The object changed since it was read, or another field manager owns a field. Read it again and decide again. */
export class KubernetesConflict extends LedgerliftError {
  readonly code = 'LL-KUB-005';
  override readonly failure = 'transient';
  override readonly effect = 'none';
  constructor(
    /** Such as `virtualmachines.kubevirt.io "web" in the namespace 'vms'`. */
    readonly object: string,
    /** The API server's own message. */
    readonly says: string,
  ) {
    super(`${object} was changed by somebody else meanwhile: ${says}. The next retry reads it again.`);
  }
}

/** An object of this name already exists. Callers that find or create objects then look at it. */
export class KubernetesAlreadyExists extends LedgerliftError {
  readonly code = 'LL-KUB-006';
  override readonly effect = 'none';
  constructor(readonly object: string) {
    super(`${object} already exists. Remove or rename it, or choose another name in the plan.`);
  }
}

/** The API server stayed overloaded for as long as we wait. */
export class KubernetesTooManyRequests extends LedgerliftError {
  readonly code = 'LL-KUB-007';
  override readonly failure = 'transient';
  override readonly effect = 'none';
  constructor(
    readonly server: string,
    readonly request: string,
    readonly waitedMs: number,
  ) {
    super(
      `${server} answered ${request} with "too many requests" for ${Math.round(waitedMs / 1000)} s. Ledgerlift retries; ` +
        'if this persists, migrate fewer VMs at once.',
    );
  }
}

/** The object does not exist, or the cluster does not know its kind. */
export class KubernetesNotFound extends LedgerliftError {
  readonly code = 'LL-KUB-008';
  override readonly effect = 'none';
  constructor(
    readonly object: string,
    /** `kind` if its definition is not installed in the cluster. */
    readonly missing: 'object' | 'kind',
  ) {
    super(
      missing === 'object'
        ? `${object} does not exist. It was removed, or never created.`
        : `${object}: the cluster does not serve this kind. Install the software that defines it, in a version that has it.`,
    );
  }
}

/** The API server or an admission webhook refused an object. */
export class KubernetesRefused extends LedgerliftError {
  readonly code = 'LL-KUB-009';
  override readonly failure: FailureClass;
  override readonly effect = 'none';
  constructor(
    readonly object: string,
    /** The Status object's reason, such as `Invalid`; `Forbidden` if a quota or a policy refused. */
    readonly reason: string,
    readonly says: string,
  ) {
    super(`${object} was refused (${reason}): ${says}`);
    // An administrator can change a quota or a policy; a wrong object stays wrong.
    this.failure = reason === 'Forbidden' ? 'needs-operator' : 'permanent';
  }
}

/** A watch's resource version is too old for the API server, so everything must be listed again. */
export class KubernetesGone extends LedgerliftError {
  readonly code = 'LL-KUB-010';
  override readonly failure = 'transient';
  override readonly effect = 'none';
  constructor(readonly request: string) {
    super(
      `the API server no longer has the version at which ${request} continues. Ledgerlift lists it again.`,
    );
  }
}

/** The kubeconfig, or a pod's service account, cannot be used. Its content is not shown. */
export class ClusterAccessUnusable extends LedgerliftError {
  readonly code = 'LL-KUB-011';
  override readonly failure = 'needs-operator';
  override readonly effect = 'none';
  constructor(
    /** Where it comes from, such as `the secret 'cluster'`. */
    readonly from: string,
    readonly why: string,
    wayOut: string,
  ) {
    super(`${from} cannot be used: ${why}. ${wayOut}`, { field: 'settings.access' });
  }
}

/** An answer does not follow the Kubernetes API: a proxy answered instead, or the version differs too much. */
export class KubernetesAnswerMalformed extends LedgerliftError {
  readonly code = 'LL-KUB-012';
  override readonly failure = 'transient';
  constructor(
    readonly server: string,
    readonly request: string,
    readonly why: string,
  ) {
    super(
      `cannot understand the answer of ${server} to ${request}: ${why}. Check that the address is that of the API server.`,
    );
  }
}

/** A claim has lost its volume, and with it the copied data. */
export class ClaimLost extends LedgerliftError {
  readonly code = 'LL-KUB-040';
  override readonly failure = 'needs-operator';
  constructor(
    /** Such as `persistentvolumeclaims "web-disk-0" in the namespace 'vms'`. */
    readonly claim: string,
  ) {
    super(
      `${claim} has lost its volume (phase Lost), and with it the disk. Find out who removed the volume, then cancel the ` +
        "VM's migration and start it again.",
    );
  }
}

/** One of our objects is being deleted and so cannot be used. Retried once it is gone. */
export class ObjectEnding extends LedgerliftError {
  readonly code = 'LL-KUB-041';
  override readonly failure = 'transient';
  override readonly effect = 'none';
  constructor(
    readonly object: string,
    /** When its deletion began, by the API server's clock. */
    readonly since: string,
  ) {
    super(
      `${object} has been in deletion since ${since}. Ledgerlift retries once it is gone; if it stays, find the pod that ` +
        'uses it or the finalizer that holds it.',
    );
  }
}

/** A quota of the namespace is used up. */
export class QuotaExceeded extends LedgerliftError {
  readonly code = 'LL-KUB-042';
  override readonly failure = 'needs-operator';
  override readonly effect = 'none';
  constructor(
    /** The object that was not created. */
    readonly object: string,
    readonly quota: string,
    /** The API server's words on the requested and used amounts and the limit. */
    readonly figures: string,
  ) {
    super(
      `${object} was not created: it would exceed the quota "${quota}" (${figures}). Raise the quota, or remove unneeded ` +
        'objects from the namespace, then retry.',
    );
  }
}

/** A claim is in use, so it is neither deleted nor handed over. */
export class ClaimHeld extends LedgerliftError {
  readonly code = 'LL-KUB-043';
  override readonly failure = 'needs-operator';
  override readonly effect = 'none';
  constructor(
    readonly claim: string,
    /** Such as `the pod "backup"`. */
    readonly holder: string,
  ) {
    super(`${claim} is in use by ${holder}, so it was left untouched. Stop ${holder}, then retry.`);
  }
}

/** Another field manager has set fields of a VM to other values. Ledgerlift never overrides it. */
export class ApplyConflict extends LedgerliftError {
  readonly code = 'LL-KUB-044';
  override readonly failure = 'needs-operator';
  override readonly effect = 'none';
  constructor(
    readonly object: string,
    /** Such as `kubectl-edit`. */
    readonly managers: readonly string[],
    /** Such as `.spec.runStrategy`. */
    readonly fields: readonly string[],
  ) {
    super(
      `${object} was changed by ${managers.map((manager) => `"${manager}"`).join(', ')}, which set ${fields.join(', ')} ` +
        'to other values. Undo that change, or let its author give up these fields, then retry.',
    );
  }
}

/** A VM is not deleted because it was not halted first. */
export class VmNotHalted extends LedgerliftError {
  readonly code = 'LL-KUB-045';
  override readonly failure = 'needs-operator';
  override readonly effect = 'none';
  constructor(readonly object: string) {
    super(
      `${object} was not deleted because it is not halted: it runs, or may start at any time. Stop the VM, then retry.`,
    );
  }
}

/** A VM did not reach the wanted state in time. */
export class VmNotReached extends LedgerliftError {
  readonly code = 'LL-KUB-046';
  override readonly failure = 'needs-operator';
  constructor(
    readonly object: string,
    /** Such as `running`. */
    readonly wanted: string,
    /** Its last state, without a full stop. */
    readonly seen: string,
    readonly waitedMs: number,
  ) {
    super(
      `${object} is not ${wanted} after ${Math.round(waitedMs / 1000)} s: ${seen}. Look at its events in the cluster, fix the ` +
        'cause, then retry.',
    );
  }
}

/** A worker in a pod got a request that only a worker with access to the API server can do. */
export class NotInsideTheCluster extends LedgerliftError {
  readonly code = 'LL-KUB-053';
  override readonly failure = 'permanent';
  override readonly effect = 'none';
  constructor(
    /** Such as `remove anything`. */
    readonly what: string,
    readonly vm: string,
  ) {
    super(
      `this worker cannot ${what} of "${vm}": a worker pod reaches its disks but not the API server. Send such steps to the ` +
        "cluster's site.",
    );
  }
}

/** A worker pod cannot start, or takes too long to start. */
export class PodNotStarting extends LedgerliftError {
  readonly code = 'LL-KUB-051';
  override readonly failure = 'needs-operator';
  override readonly effect = 'none';
  constructor(
    readonly pod: string,
    /** The cluster's reason, without a full stop. */
    readonly why: string,
    readonly waitedMs: number,
  ) {
    super(`${pod} does not run after ${Math.round(waitedMs / 1000)} s: ${why}. Fix the cause, then retry.`);
  }
}

/** Nothing confirms that a worker pod has ended, so it may still write to its disks. */
export class PodEndUnknown extends LedgerliftError {
  readonly code = 'LL-KUB-052';
  override readonly failure = 'needs-operator';
  override readonly effect = 'none';
  constructor(
    readonly pod: string,
    readonly node: string | undefined,
  ) {
    super(
      `${pod} was told to end, but ${node === undefined ? 'nothing confirms' : `its node "${node}" does not confirm`} that it has. It is not replaced while it may ` +
        'write. Bring the node back, or make sure that it is off and taint it node.kubernetes.io/out-of-service, then retry.',
    );
  }
}

/** A worker outside the VM's pod got a request that only a worker in that pod can do. */
export class NotBesideTheDisks extends LedgerliftError {
  readonly code = 'LL-KUB-050';
  override readonly failure = 'permanent';
  override readonly effect = 'none';
  constructor(
    /** Such as `write a disk`. */
    readonly what: string,
    readonly vm: string,
  ) {
    super(
      `this worker cannot ${what} of "${vm}": only the VM's own worker pod reaches its claims. ` +
        "Send such steps to the pod's site.",
    );
  }
}

/** Returns a resource with its group, such as `virtualmachines.kubevirt.io`; just `pods` for the core group. */
export const qualified = (resource: string, group: string): string =>
  group === '' ? resource : `${resource}.${group}`;
