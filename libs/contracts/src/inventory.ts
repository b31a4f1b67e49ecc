import { z } from 'zod';

/** What a source provider knows of one virtual machine, in terms shared by every provider. Sizes are bytes. */

export const Firmware = z.enum(['bios', 'efi']);
export const NicModel = z.enum(['e1000', 'e1000e', 'vmxnet3', 'virtio', 'pcnet32', 'rtl8139', 'unknown']);
export const DiskBus = z.enum(['scsi', 'sata', 'ide', 'nvme', 'virtio', 'unknown']);

export const ConcernCategory = z.enum(['Critical', 'Warning', 'Information']);
/** A judgement about a VM that is known before anything moves; the ids are those users know from Forklift. */
export const Concern = z.object({
  id: z.string(),
  category: ConcernCategory,
  label: z.string(),
  assessment: z.string(),
});
export type Concern = z.infer<typeof Concern>;

/** Where the bytes of a disk are, as its provider reads them. A new provider adds a member. */
export const DiskBacking = z.discriminatedUnion('kind', [
  /** A disk image inside (or beside) an OVA: `offset` and `length` locate each part in its file. */
  z.object({
    kind: z.literal('ova'),
    format: z.enum(['vmdk', 'raw', 'qcow2', 'vhd']),
    /** More than one part where the file reference is chunked; they are read as one. None: an empty disk. */
    parts: z.array(z.object({ file: z.string(), offset: z.int().min(0), length: z.int().min(0) })),
    compression: z.enum(['none', 'gzip']),
    digest: z.object({ algorithm: z.enum(['sha1', 'sha256', 'sha512']), hex: z.string() }).optional(),
  }),
  /** Of a provider that is an extension, which alone knows what it means. */
  z.object({ kind: z.literal('extension'), data: z.record(z.string(), z.unknown()) }),
  z.object({
    kind: z.literal('vsphere'),
    /** Managed object id of the VM, such as `vm-62`. */
    vmId: z.string(),
    /** Device key within the VM, which stays the same while the disk is attached. */
    key: z.int(),
    /** Of the backing; it outlives moves between datastores. */
    uuid: z.string(),
    /** The newest file of the chain, such as `[datastore1] web/web.vmdk`. */
    file: z.string(),
    /** Managed object id of its datastore. */
    datastore: z.string(),
    format: z.enum(['flat', 'sesparse', 'sparse', 'rdm-virtual', 'rdm-physical', 'other']),
    mode: z.enum(['persistent', 'independent_persistent', 'independent_nonpersistent', 'other']),
    /** Whether a snapshot's file lies under it. */
    hasParent: z.boolean(),
  }),
]);
export type DiskBacking = z.infer<typeof DiskBacking>;

export const SourceDisk = z.object({
  id: z.string(),
  name: z.string(),
  capacityBytes: z.int(),
  /** Storage of the source that a storage mapping names (datastore, domain; for an OVA always `ova`). */
  storage: z.string(),
  /** Its id at the source; left out where names are all there is. */
  storageId: z.string().optional(),
  /** By which the guest may find it; left out by sources that give disks none. */
  serial: z.string().optional(),
  /** Of a logical sector; left out: 512. */
  sectorBytes: z.int().optional(),
  bus: DiskBus,
  controller: z.int().min(0),
  unit: z.int().min(0),
  shared: z.boolean(),
  backing: DiskBacking,
});
export type SourceDisk = z.infer<typeof SourceDisk>;

/** What has no random access is unpacked first: a file that is compressed, or in several pieces. */
export const needsUnpacking = ({ backing }: SourceDisk): boolean =>
  backing.kind === 'ova' && (backing.compression === 'gzip' || backing.parts.length > 1);

export const SourceNic = z.object({
  id: z.string(),
  name: z.string(),
  /** Source network that a network mapping names. Empty where the source says none. */
  network: z.string(),
  /** Its id at the source; left out where names are all there is. */
  networkId: z.string().optional(),
  mac: z.string().optional(),
  model: NicModel,
  kind: z.enum(['ethernet', 'sriov']),
});
export type SourceNic = z.infer<typeof SourceNic>;

export const PowerState = z.enum(['on', 'off', 'suspended', 'unknown']);
export type PowerState = z.infer<typeof PowerState>;

/** What the guest itself said last, through its tools. */
export const SourceGuest = z.object({
  tools: z.enum(['running', 'not-running', 'not-installed', 'unknown']),
  hostName: z.string().optional(),
  nics: z.array(
    z.object({
      mac: z.string(),
      addresses: z.array(
        z.object({
          ip: z.string(),
          prefix: z.int().min(0).max(128),
          /** Whether it was given by DHCP; left out where the guest does not say. */
          origin: z.enum(['static', 'dhcp', 'other']).optional(),
        }),
      ),
      dns: z.array(z.string()),
    }),
  ),
  routes: z.array(
    z.object({
      network: z.string(),
      prefix: z.int().min(0).max(128),
      gateway: z.string().optional(),
      /** The NIC it leads through, by MAC. */
      mac: z.string().optional(),
    }),
  ),
});
export type SourceGuest = z.infer<typeof SourceGuest>;

/** What a configuration of a package decides. */
const hardware = {
  cpu: z.object({
    count: z.int().min(0),
    coresPerSocket: z.int().min(1),
    affinity: z.array(z.int()),
    hotAdd: z.boolean(),
    /** Whether the guest may run VMs itself; left out where the source does not say. */
    nested: z.boolean().optional(),
  }),
  memory: z.object({ bytes: z.int().min(0), hotAdd: z.boolean() }),
  firmware: Firmware,
  secureBoot: z.boolean(),
  tpm: z.boolean(),
  /** In the order in which the firmware tries them. */
  disks: z.array(SourceDisk),
  nics: z.array(SourceNic),
  concerns: z.array(Concern),
};

export const SourceVm = z.object({
  id: z.string(),
  name: z.string(),
  path: z.string(),
  powerState: PowerState,
  /** Where it runs; VMs of one host share its limits. */
  host: z.string().optional(),
  /** Ids of where it is; left out by sources whose names are their ids. */
  hostId: z.string().optional(),
  clusterId: z.string().optional(),
  datacenterId: z.string().optional(),
  /** Of its folder and of those above it, from its own upwards. */
  folderIds: z.array(z.string()).optional(),
  /** Folder in the source's own tree, such as `/prod/web`. */
  folder: z.string().optional(),
  tags: z.array(z.string()).optional(),
  /** Custom attributes, by name. */
  attributes: z.record(z.string(), z.string()).optional(),
  /** Of the firmware (SMBIOS), as the guest sees it. */
  uuid: z.string().optional(),
  /** Of the machine, likewise (SMBIOS); left out by sources that give none. */
  serial: z.string().optional(),
  datacenter: z.string().optional(),
  cluster: z.string().optional(),
  guest: SourceGuest.optional(),
  /** Whether the source tracks changed blocks of its disks; left out where it cannot. */
  changeTracking: z.enum(['on', 'off']).optional(),
  /** Snapshots that are there already, by name. */
  snapshots: z.array(z.string()).optional(),
  ...hardware,
  os: z.object({
    id: z.string(),
    description: z.string(),
    family: z.enum(['linux', 'windows', 'other', 'unknown']),
  }),
  exportedBy: z.string(),
  /** Changes whenever anything that a migration relies on changes. */
  fingerprint: z.string(),
  /** Only of an OVF package that can be deployed in several configurations (DSP0243, DeploymentOptionSection). */
  deployment: z
    .object({
      /** The one that this VM is described in: the one that the plan names, or else the package's default. */
      configuration: z.string(),
      available: z.array(z.object({ id: z.string(), label: z.string() })),
      /** What the VM is in the others. Left out of a migration, whose configuration is chosen. */
      others: z.array(z.object({ configuration: z.string(), ...hardware })).optional(),
    })
    .optional(),
});
export type SourceVm = z.infer<typeof SourceVm>;

/** Something that a provider saw and could not use, such as an OVA that cannot be read. */
export const InventoryProblem = z.object({
  item: z.string(),
  code: z.string(),
  message: z.string(),
  field: z.string().optional(),
  /** `Warn`: what it is about hinders only who needs it. None: it hinders everybody. */
  category: z.literal('Warn').optional(),
});
export type InventoryProblem = z.infer<typeof InventoryProblem>;

/** Where VMs lie or run. */
const SourcePlace = z.object({
  id: z.string(),
  /** Of a folder: its path within the datacenter, such as `/prod/web`. */
  name: z.string(),
  /** It tells apart two of one name. */
  path: z.string(),
});

export const SourceHost = z.object({
  id: z.string(),
  name: z.string(),
  path: z.string().optional(),
  datacenter: z.string().optional(),
  cluster: z.string().optional(),
  state: z.enum(['connected', 'disconnected', 'maintenance']),
  adapters: z.array(
    z.object({ name: z.string(), mac: z.string().optional(), linkMbps: z.int().min(0).optional() }),
  ),
});
export type SourceHost = z.infer<typeof SourceHost>;

export const Inventory = z.object({
  takenAt: z.iso.datetime(),
  /** Of the source's own software, such as `8.0.2` of a vCenter; left out by sources that have none. */
  version: z.string().optional(),
  vms: z.array(SourceVm),
  networks: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      description: z.string(),
      /** Where it lies, for people: it tells apart two of one name. Left out by sources that have no folders. */
      path: z.string().optional(),
    }),
  ),
  storages: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      path: z.string().optional(),
      /** Such as `VMFS` or `NFS`. */
      kind: z.string().optional(),
      capacityBytes: z.int().min(0).optional(),
      freeBytes: z.int().min(0).optional(),
    }),
  ),
  /** Where VMs run; left out by sources that tell of none. */
  hosts: z.array(SourceHost).optional(),
  datacenters: z.array(SourcePlace).optional(),
  clusters: z.array(SourcePlace).optional(),
  /** Those that VMs lie in. */
  folders: z.array(SourcePlace).optional(),
  problems: z.array(InventoryProblem),
});
export type Inventory = z.infer<typeof Inventory>;
