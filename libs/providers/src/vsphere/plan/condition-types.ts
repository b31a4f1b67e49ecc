import { conditionsOf } from '@ledgerlift/contracts';

/** What can stand against a plan because its source is vSphere. */
export const vsphereConditionTypes = {
  ConnectionInsecure: {
    category: 'Warn',
    when: 'the certificate of the source is not looked at: whoever stands between reads the password',
    wayOut: 'give the provider `thumbprint` or `caCertificate` in place of `insecureSkipVerify`',
  },
  InsufficientPrivileges: {
    category: 'Warn',
    when: 'the user of the source lacks privileges that the plan needs (LL-VSP-020), or the source does not say which it has (LL-VSP-021)',
    wayOut: "give them to the user's role; `ledgerlift vsphere role` prints one",
  },
  HostNotValid: {
    category: 'Warn',
    when: "a host of the provider's `hosts` is not one of the source's",
    wayOut: 'correct its name, or take it out',
  },
  HostSecretNotValid: {
    category: 'Critical',
    when: "VMs run on a host of the provider's `hosts` whose secret cannot be read",
    wayOut: 'put `user` and `password` of the host where secrets are at this site, or take the host out',
  },
  HostNotReady: {
    category: 'Warn',
    when: 'the host of a VM is in maintenance, or not connected',
    wayOut: 'wait until it is back, or move the VM',
  },
  VDDKNotAvailable: {
    category: 'Critical',
    when: 'the plan is warm, and VDDK is missing at the transfer workers (Missing), at some of them (NotEverywhere), or is older than 6.5 (TooOld)',
    wayOut: 'give every transfer worker of the site VDDK, or make the plan `cold`',
  },
  VDDKVersionNotFitting: {
    category: 'Warn',
    when: 'VDDK is older than the vCenter or host that it reads from (OlderThanSource), or by more than two releases newer (NewerThanSource)',
    wayOut: "give the transfer workers VDDK of the source's own version, or of the next one",
  },
  DisksReadWithoutVDDK: {
    category: 'Warn',
    when: 'disks of a cold plan are read over HTTPS or exported, which takes longer, because VDDK is missing (Missing, NotEverywhere) or too old (TooOld)',
    wayOut: 'give every transfer worker of the site VDDK if that is too slow',
  },
  SourceHasNoTags: {
    category: 'Warn',
    when: '`retireSource.tag` is asked for, and the source is an ESXi host, which has no tags',
    wayOut: 'give the provider the address of the vCenter, or take `tag` out',
  },
  VMDiskNotSupported: {
    category: 'Critical',
    when: 'a disk cannot be copied in this way: a snapshot leaves it out (Independent), or is not taken of a VM with it (Shared), or it is a LUN that is only passed through (RDMPhysical)',
    wayOut: 'change the disk at the source, make a warm plan `cold`, or take the VM out of the plan',
  },
  IndependentDiskWarning: {
    category: 'Warn',
    when: 'snapshots of a VM leave a disk out',
    wayOut: 'see that the plan is `cold`',
  },
  RDMDiskWarning: {
    category: 'Warn',
    when: 'a disk is a LUN of a storage array',
    wayOut: 'see that nobody else uses the LUN once the VM has moved',
  },
  VMConsolidationNeeded: {
    category: 'Warn',
    when: 'files of snapshots that were removed are still in use',
    wayOut: 'consolidate the disks of the VM at the source',
  },
  VMUuidNotUnique: {
    category: 'Warn',
    when: 'another VM of the source has the same BIOS UUID, as after a copy of files: what is licensed or found by it may take one for the other',
    wayOut: 'give one of them another UUID at the source',
  },
} as const;

export const condition = conditionsOf(vsphereConditionTypes);
