import { type FailureClass, LedgerliftError } from '@ledgerlift/contracts';

/** No answer came from the API server, or it cannot answer now. Tried again. */
export class KubernetesUnreachable extends LedgerliftError {
  readonly code = 'LL-KUB-001';
  override readonly failure = 'transient';
  constructor(
    readonly server: string,
    readonly request: string,
    readonly reason: string,
  ) {
    super(
      `${server} did not answer ${request}: ${reason}. Check that the address is right, and reachable from this site.`,
    );
  }
}

/** The API server does not know who asks: the token or certificate has expired, was revoked, or is of another cluster. */
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
      `${server} does not accept the credentials from ${from}. Replace them at this site; they are read again at the next try.`,
      { field: 'secret' },
    );
  }
}

/** A right is missing, which the error names as RBAC does. */
export class KubernetesForbidden extends LedgerliftError {
  readonly code = 'LL-KUB-003';
  override readonly failure = 'needs-operator';
  override readonly effect = 'none';
  constructor(
    readonly server: string,
    readonly verb: string,
    /** As a role has it, such as `virtualmachines` or `pods/exec`. */
    readonly resource: string,
    /** API group; empty: the core. */
    readonly group: string,
    /** Undefined: in the whole cluster. */
    readonly namespace: string | undefined,
  ) {
    super(
      `${server} does not allow '${verb}' of ${qualified(resource, group)} ${
        namespace === undefined ? 'in the whole cluster' : `in the namespace '${namespace}'`
      }. Give it to the account that Ledgerlift uses, by the role that Ledgerlift prints.`,
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
      `the certificate of ${server} is not trusted: ${reason}; nothing was sent to it. Give the certificate of the ` +
        'authority that signed it, and the name that it is for.',
      { field: 'settings.access' },
    );
  }
}

/** The object changed since it was read, or another field manager owns a field. Read it again, and decide anew. */
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
    super(`${object} was changed by somebody else meanwhile: ${says}. It is read again at the next try.`);
  }
}

/** An object of this name exists. Whoever makes things by find-or-create looks at it. */
export class KubernetesAlreadyExists extends LedgerliftError {
  readonly code = 'LL-KUB-006';
  override readonly effect = 'none';
  constructor(readonly object: string) {
    super(`${object} exists already. Remove or rename it, or choose another name in the plan.`);
  }
}

/** The API server is overloaded, and stayed so for as long as it is waited for. */
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
      `${server} answered ${request} with "too many requests" for ${Math.round(waitedMs / 1000)} s. It is tried again; ` +
        'let fewer VMs run at once if it stays so.',
    );
  }
}

/** There is no such object, or the cluster does not know the kind. */
export class KubernetesNotFound extends LedgerliftError {
  readonly code = 'LL-KUB-008';
  override readonly effect = 'none';
  constructor(
    readonly object: string,
    /** `kind`: its definition is not installed in the cluster. */
    readonly missing: 'object' | 'kind',
  ) {
    super(
      missing === 'object'
        ? `${object} does not exist. It was removed, or never made.`
        : `${object}: the cluster does not serve this kind. Install what defines it, in a version that has it.`,
    );
  }
}

/** The API server, or an admission webhook, finds fault with what was sent. */
export class KubernetesRefused extends LedgerliftError {
  readonly code = 'LL-KUB-009';
  override readonly failure: FailureClass;
  override readonly effect = 'none';
  constructor(
    readonly object: string,
    /** Of the Status object, such as `Invalid`; `Forbidden` where a quota or a policy refused. */
    readonly reason: string,
    readonly says: string,
  ) {
    super(`${object} was refused (${reason}): ${says}`);
    // What a quota or a policy of the cluster refuses, somebody there can allow; a wrong object stays wrong.
    this.failure = reason === 'Forbidden' ? 'needs-operator' : 'permanent';
  }
}

/** What is known of a watch is older than what the API server still has: everything is to be listed again. */
export class KubernetesGone extends LedgerliftError {
  readonly code = 'LL-KUB-010';
  override readonly failure = 'transient';
  override readonly effect = 'none';
  constructor(readonly request: string) {
    super(`the API server no longer has the version at which ${request} continues. It is listed again.`);
  }
}

/** The kubeconfig, or what a pod knows of its cluster, cannot be used. Its content is not shown. */
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

/** An answer is not what Kubernetes documents: something between answers in its place, or the version is too far off. */
export class KubernetesAnswerMalformed extends LedgerliftError {
  readonly code = 'LL-KUB-012';
  override readonly failure = 'transient';
  constructor(
    readonly server: string,
    readonly request: string,
    readonly why: string,
  ) {
    super(
      `the answer of ${server} to ${request} is not understood: ${why}. Check that the address is that of the API server.`,
    );
  }
}

/** A claim has lost its volume, and with it what was copied. */
export class ClaimLost extends LedgerliftError {
  readonly code = 'LL-KUB-040';
  override readonly failure = 'needs-operator';
  constructor(
    /** Such as `persistentvolumeclaims "web-disk-0" in the namespace 'vms'`. */
    readonly claim: string,
  ) {
    super(
      `${claim} has lost its volume (phase Lost), and with it the disk. Find out who removed the volume, then cancel the ` +
        'migration of the VM and start it again.',
    );
  }
}

/** An object of ours is being deleted, so that it cannot be used any more. Tried again, once it is gone. */
export class ObjectEnding extends LedgerliftError {
  readonly code = 'LL-KUB-041';
  override readonly failure = 'transient';
  override readonly effect = 'none';
  constructor(
    readonly object: string,
    /** When its deletion began, as the API server has it. */
    readonly since: string,
  ) {
    super(
      `${object} has been in deletion since ${since}. It is tried again once the object is gone; if it stays, see which ` +
        'pod uses it, or which finalizer holds it.',
    );
  }
}

/** A quota of the namespace is used up. */
export class QuotaExceeded extends LedgerliftError {
  readonly code = 'LL-KUB-042';
  override readonly failure = 'needs-operator';
  override readonly effect = 'none';
  constructor(
    /** What was not made. */
    readonly object: string,
    readonly quota: string,
    /** As the API server says it: what was asked for, what is used, and the limit. */
    readonly figures: string,
  ) {
    super(
      `${object} was not made: it would exceed the quota "${quota}" (${figures}). Raise the quota, or remove what is no longer ` +
        'needed in the namespace, then retry.',
    );
  }
}

/** A claim is in use: it is neither deleted nor handed over. */
export class ClaimHeld extends LedgerliftError {
  readonly code = 'LL-KUB-043';
  override readonly failure = 'needs-operator';
  override readonly effect = 'none';
  constructor(
    readonly claim: string,
    /** Such as `the pod "backup"`. */
    readonly holder: string,
  ) {
    super(`${claim} is in use by ${holder}, so nothing was done with it. End that, then retry.`);
  }
}

/** Another field manager has set fields of a VM to other values. It is never overruled. */
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
        'to something else. Undo that change, or have whoever made it give up these fields, then retry.',
    );
  }
}

/** A VM was not halted first, and so is not deleted. */
export class VmNotHalted extends LedgerliftError {
  readonly code = 'LL-KUB-045';
  override readonly failure = 'needs-operator';
  override readonly effect = 'none';
  constructor(readonly object: string) {
    super(
      `${object} is not deleted, for it runs, or may start at any time: nobody has halted it. Stop the VM, then retry.`,
    );
  }
}

/** A VM did not get where it was to go. */
export class VmNotReached extends LedgerliftError {
  readonly code = 'LL-KUB-046';
  override readonly failure = 'needs-operator';
  constructor(
    readonly object: string,
    /** Such as `running`. */
    readonly wanted: string,
    /** What was seen last, without a full stop. */
    readonly seen: string,
    readonly waitedMs: number,
  ) {
    super(
      `${object} is not ${wanted} after ${Math.round(waitedMs / 1000)} s: ${seen}. See its events in the cluster, remove the ` +
        'cause, then retry.',
    );
  }
}

/** A worker in a pod is asked for what only one that reaches the API server can do. */
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
      `this worker cannot ${what} of "${vm}": a worker pod reaches its disks, and not the API server. Send such steps to the ` +
        'site of the cluster.',
    );
  }
}

/** A worker pod cannot start, or takes too long to. */
export class PodNotStarting extends LedgerliftError {
  readonly code = 'LL-KUB-051';
  override readonly failure = 'needs-operator';
  override readonly effect = 'none';
  constructor(
    readonly pod: string,
    /** What the cluster says of it, without a full stop. */
    readonly why: string,
    readonly waitedMs: number,
  ) {
    super(
      `${pod} does not run after ${Math.round(waitedMs / 1000)} s: ${why}. Remove the cause, then retry.`,
    );
  }
}

/** Nobody says that a worker pod has ended: it may still write its disks. */
export class PodEndUnknown extends LedgerliftError {
  readonly code = 'LL-KUB-052';
  override readonly failure = 'needs-operator';
  override readonly effect = 'none';
  constructor(
    readonly pod: string,
    readonly node: string | undefined,
  ) {
    super(
      `${pod} was told to end, and ${node === undefined ? 'nobody says' : `its node "${node}" does not say`} that it has. While it may write, it is not ` +
        'replaced. Bring the node back, or see that it is off and give it the taint node.kubernetes.io/out-of-service, then retry.',
    );
  }
}

/** A worker that is not in the VM's pod is asked for what only one there can do. */
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
      `this worker cannot ${what} of "${vm}": the claims of a cluster are reached only from the VM's own worker pod. ` +
        'Send such steps to the site of the pod.',
    );
  }
}

/** `virtualmachines.kubevirt.io`, and `pods` of the core group. */
export const qualified = (resource: string, group: string): string =>
  group === '' ? resource : `${resource}.${group}`;
