import { z } from 'zod';

/** The inventory of a source, in terms shared by every provider. Sizes are in bytes. */

export const Firmware = z.enum(['bios', 'efi']);
export const NicModel = z.enum(['e1000', 'e1000e', 'vmxnet3', 'virtio', 'pcnet32', 'rtl8139', 'unknown']);
export const DiskBus = z.enum(['scsi', 'sata', 'ide', 'nvme', 'virtio', 'unknown']);

export const ConcernCategory = z.enum(['Critical', 'Warning', 'Information']);
/** A finding about a source VM, known before a migration. The ids are Forklift's. */
export const Concern = z.object({
  id: z.string(),
  category: ConcernCategory,
  label: z.string(),
  assessment: z.string(),
});
export type Concern = z.infer<typeof Concern>;

/** Where a provider reads the bytes of a disk. A new provider adds a member. */
export const DiskBacking = z.discriminatedUnion('kind', [
  /** A disk image inside (or beside) an OVA: `offset` and `length` locate each part in its file. */
  z.object({
    kind: z.literal('ova'),
    format: z.enum(['vmdk', 'raw', 'qcow2', 'vhd']),
    /** Several parts if the file is chunked; they are read as one. No parts: an empty disk. */
    parts: z.array(z.object({ file: z.string(), offset: z.int().min(0), length: z.int().min(0) })),
    compression: z.enum(['none', 'gzip']),
    digest: z.object({ algorithm: z.enum(['sha1', 'sha256', 'sha512']), hex: z.string() }).optional(),
  }),
  /** Data of an extension, which only that extension interprets. */
  z.object({ kind: z.literal('extension'), data: z.record(z.string(), z.unknown()) }),
  z.object({
    kind: z.literal('vsphere'),
    /** Managed object id of the VM, such as `vm-62`. */
    vmId: z.string(),
    /** Device key within the VM, which stays the same while the disk is attached. */
    key: z.int(),
    /** UUID of the backing, which stays the same across moves between datastores. */
    uuid: z.string(),
    /** The newest file of the chain, such as `[datastore1] web/web.vmdk`. */
    file: z.string(),
    /** Managed object id of its datastore. */
    datastore: z.string(),
    format: z.enum(['flat', 'sesparse', 'sparse', 'rdm-virtual', 'rdm-physical', 'other']),
    mode: z.enum(['persistent', 'independent_persistent', 'independent_nonpersistent', 'other']),
    /** Whether the file is on top of a snapshot's file. */
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
  /** Its id at the source; absent if the source has only names. */
  storageId: z.string().optional(),
  /** Serial number that the guest sees; absent if the source gives disks none. */
  serial: z.string().optional(),
  /** Bytes of a logical sector; 512 if absent. */
  sectorBytes: z.int().optional(),
  bus: DiskBus,
  controller: z.int().min(0),
  unit: z.int().min(0),
  shared: z.boolean(),
  backing: DiskBacking,
});
export type SourceDisk = z.infer<typeof SourceDisk>;

/** Whether the disk must be unpacked first, because a compressed or chunked file has no random access. */
export const needsUnpacking = ({ backing }: SourceDisk): boolean =>
  backing.kind === 'ova' && (backing.compression === 'gzip' || backing.parts.length > 1);

export const SourceNic = z.object({
  id: z.string(),
  name: z.string(),
  /** Source network that a network mapping names. Empty if the source names none. */
  network: z.string(),
  /** Its id at the source; absent if the source has only names. */
  networkId: z.string().optional(),
  mac: z.string().optional(),
  model: NicModel,
  kind: z.enum(['ethernet', 'sriov']),
});
export type SourceNic = z.infer<typeof SourceNic>;

export const PowerState = z.enum(['on', 'off', 'suspended', 'unknown']);
export type PowerState = z.infer<typeof PowerState>;

/** The last information from the guest itself, through its tools. */
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
          /** Whether it came from DHCP; absent if the guest does not say. */
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
      /** MAC of the NIC that the route uses. */
      mac: z.string().optional(),
    }),
  ),
});
export type SourceGuest = z.infer<typeof SourceGuest>;

/** The hardware of a VM, which the configuration of a package can change. */
const hardware = {
  cpu: z.object({
    count: z.int().min(0),
    coresPerSocket: z.int().min(1),
    affinity: z.array(z.int()),
    hotAdd: z.boolean(),
    /** Whether the guest may run VMs itself; absent if the source does not say. */
    nested: z.boolean().optional(),
  }),
  memory: z.object({ bytes: z.int().min(0), hotAdd: z.boolean() }),
  firmware: Firmware,
  secureBoot: z.boolean(),
  tpm: z.boolean(),
  /** In boot order. */
  disks: z.array(SourceDisk),
  nics: z.array(SourceNic),
  concerns: z.array(Concern),
};

export const SourceVm = z.object({
  id: z.string(),
  name: z.string(),
  path: z.string(),
  powerState: PowerState,
  /** The host it runs on. VMs of one host share its limits. */
  host: z.string().optional(),
  /** Ids of its places; absent in sources whose names are their ids. */
  hostId: z.string().optional(),
  clusterId: z.string().optional(),
  datacenterId: z.string().optional(),
  /** Ids of its folder and the folders above, from its own upwards. */
  folderIds: z.array(z.string()).optional(),
  /** Folder in the source's own tree, such as `/prod/web`. */
  folder: z.string().optional(),
  tags: z.array(z.string()).optional(),
  /** Custom attributes, by name. */
  attributes: z.record(z.string(), z.string()).optional(),
  /** UUID of the firmware (SMBIOS), as the guest sees it. */
  uuid: z.string().optional(),
  /** Serial number of the machine (SMBIOS); absent if the source gives none. */
  serial: z.string().optional(),
  datacenter: z.string().optional(),
  cluster: z.string().optional(),
  guest: SourceGuest.optional(),
  /** Whether the source tracks changed blocks of its disks; absent if it cannot. */
  changeTracking: z.enum(['on', 'off']).optional(),
  /** Names of existing snapshots. */
  snapshots: z.array(z.string()).optional(),
  ...hardware,
  os: z.object({
    id: z.string(),
    description: z.string(),
    family: z.enum(['linux', 'windows', 'other', 'unknown']),
  }),
  exportedBy: z.string(),
  /** Changes with anything that a migration relies on. */
  fingerprint: z.string(),
  /** Only for an OVF package that can be deployed in several configurations (DSP0243, DeploymentOptionSection). */
  deployment: z
    .object({
      /** The configuration that this VM describes: the one that the plan names, else the package's default. */
      configuration: z.string(),
      available: z.array(z.object({ id: z.string(), label: z.string() })),
      /** The VM in the other configurations. Absent in a migration, whose configuration is chosen. */
      others: z.array(z.object({ configuration: z.string(), ...hardware })).optional(),
    })
    .optional(),
});
export type SourceVm = z.infer<typeof SourceVm>;

/** Something that a provider could not use, such as an unreadable OVA. */
export const InventoryProblem = z.object({
  item: z.string(),
  code: z.string(),
  message: z.string(),
  field: z.string().optional(),
  /** `Warn`: it blocks only plans that need the affected part. Absent: it blocks every plan. */
  category: z.literal('Warn').optional(),
});
export type InventoryProblem = z.infer<typeof InventoryProblem>;

/** A place of VMs, such as a folder or a datacenter. */
const SourcePlace = z.object({
  id: z.string(),
  /** For a folder, its path within the datacenter, such as `/prod/web`. */
  name: z.string(),
  /** Distinguishes places with the same name. */
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
  /** Version of the source's software, such as `8.0.2` of a vCenter; absent if it has none. */
  version: z.string().optional(),
  vms: z.array(SourceVm),
  networks: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      description: z.string(),
      /** Its path, for people, to distinguish storages with the same name. Absent in sources without folders. */
      path: z.string().optional(),
    }),
  ),
  storages: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      path: z.string().optional(),
      /** Kind of storage, such as `VMFS` or `NFS`. */
      kind: z.string().optional(),
      capacityBytes: z.int().min(0).optional(),
      freeBytes: z.int().min(0).optional(),
    }),
  ),
  /** The hosts of VMs; absent if the source lists none. */
  hosts: z.array(SourceHost).optional(),
  datacenters: z.array(SourcePlace).optional(),
  clusters: z.array(SourcePlace).optional(),
  /** The folders of VMs. */
  folders: z.array(SourcePlace).optional(),
  problems: z.array(InventoryProblem),
});
export type Inventory = z.infer<typeof Inventory>;
