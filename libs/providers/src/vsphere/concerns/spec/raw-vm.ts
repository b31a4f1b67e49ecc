import { Surroundings } from '../../inventory/surroundings.js';
import { sourceVm } from '../../inventory/source-vm.js';
import { type VimNode, vimReader } from '../../soap/xml.js';
import type { VimObject } from '../../soap/properties.js';
import { judge } from '../index.js';

const parsed = (xml: string): VimNode => {
  const reader = vimReader();
  reader.take(xml);
  return reader.end();
};

/** As `RetrievePropertiesEx` answers of one object. @param values XML by property path */
function object(type: string, id: string, values: Readonly<Record<string, string | undefined>>): VimObject {
  const named = Object.entries(values).flatMap(([path, xml]) =>
    xml === undefined ? [] : [[path, parsed(xml)] as const],
  );
  return { ref: { type, id }, properties: new Map(named) };
}

const XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';
/** A property's value. @param type as the server names it */
export const val = (type: string, inside: string | number | boolean): string =>
  `<val ${XSI} xsi:type="${type}">${inside}</val>`;
export const text = (value: string | number | boolean): string => val('xsd:string', value);
const ref = (type: string, id: string): string => `<val ${XSI} type="${type}">${id}</val>`;

export const device = (kind: string, inside: string): string =>
  `<VirtualDevice xsi:type="${kind}">${inside}</VirtualDevice>`;
export const SCSI = device('ParaVirtualSCSIController', '<key>1000</key><busNumber>0</busNumber>');

interface DiskParts {
  readonly key?: number;
  readonly unit?: number;
  readonly capacity?: number;
  readonly kind?: string;
  readonly backing?: string;
  readonly datastore?: string;
  /** Of the sectors; vSphere 9.0. */
  readonly format?: string;
}
export const disk = (parts: DiskParts = {}): string => {
  const {
    key = 2000,
    unit = 0,
    capacity = 1048576,
    kind = 'VirtualDiskFlatVer2BackingInfo',
    backing = '<diskMode>persistent</diskMode>',
    datastore = '<datastore type="Datastore">datastore-11</datastore>',
    format,
  } = parts;
  const sectors = format === undefined ? '' : `<virtualDiskFormat>${format}</virtualDiskFormat>`;
  const label = `<deviceInfo><label>Hard disk ${key - 1999}</label></deviceInfo>`;
  const file = `<fileName>[LocalDS_0] web/web.vmdk</fileName>${datastore}<uuid>6000C29a-0000</uuid>`;
  return device(
    'VirtualDisk',
    `<key>${key}</key>${label}<backing xsi:type="${kind}">${file}${backing}</backing>` +
      `<controllerKey>1000</controllerKey><unitNumber>${unit}</unitNumber><capacityInBytes>${capacity}</capacityInBytes>${sectors}`,
  );
};
export const devices = (...all: readonly string[]): string =>
  val('ArrayOfVirtualDevice', [SCSI, ...(all.length === 0 ? [disk()] : all)].join(''));
export const settings = (pairs: Readonly<Record<string, string>>): string =>
  val(
    'ArrayOfOptionValue',
    Object.entries(pairs)
      .map(
        ([key, value]) =>
          `<OptionValue><key>${key}</key><value xsi:type="xsd:string">${value}</value></OptionValue>`,
      )
      .join(''),
  );

export const NIC = device(
  'VirtualVmxnet3',
  '<key>4000</key><deviceInfo><label>Network adapter 1</label></deviceInfo>' +
    '<backing xsi:type="VirtualEthernetCardNetworkBackingInfo"><deviceName>VM Network</deviceName></backing>' +
    '<macAddress>00:50:56:00:00:01</macAddress>',
);
export const guestNic = (addresses: string): string =>
  val(
    'ArrayOfGuestNicInfo',
    `<GuestNicInfo><macAddress>00:50:56:00:00:01</macAddress><ipConfig>${addresses}</ipConfig></GuestNicInfo>`,
  );
const IP = '<ipAddress><ipAddress>10.0.0.7</ipAddress><prefixLength>24</prefixLength></ipAddress>';
export const fileSystem = (
  path: string,
  free: number,
  more = '<mappings><key>2000</key></mappings>',
): string =>
  val(
    'ArrayOfGuestDiskInfo',
    `<GuestDiskInfo><diskPath>${path}</diskPath><capacity>10737418240</capacity><freeSpace>${free}</freeSpace>${more}</GuestDiskInfo>`,
  );

export interface Changes {
  readonly vm?: Readonly<Record<string, string | undefined>>;
  readonly host?: Readonly<Record<string, string>>;
  readonly cluster?: string;
}

/** A VM against which nothing stands, but for what is changed. */
const sound: Readonly<Record<string, string>> = {
  name: text('web'),
  'config.uuid': text('420b'),
  'config.guestId': text('rhel9_64Guest'),
  'config.changeTrackingEnabled': text('true'),
  'config.hardware.numCPU': text('1'),
  'config.hardware.memoryMB': text('1024'),
  'config.hardware.device': devices(disk(), NIC),
  'config.extraConfig': settings({ 'scsi0:0.ctkEnabled': 'TRUE' }),
  'runtime.powerState': text('poweredOn'),
  'runtime.connectionState': text('connected'),
  'runtime.host': ref('HostSystem', 'host-21'),
  'runtime.consolidationNeeded': text('false'),
  'runtime.faultToleranceState': text('notConfigured'),
  'guest.hostName': text('web.example.com'),
  'guest.toolsRunningStatus': text('guestToolsRunning'),
  'guest.net': guestNic(IP),
  'guest.disk': fileSystem('/', 5368709120),
};

/** Ids of the concerns that the inventory's judge raises about it, with their categories. */
export const concernsWith = (changes: Changes) => foundWith(changes).concerns;

/** The VM as the inventory has it. */
export function foundWith({ vm = {}, host = {}, cluster = '' }: Changes) {
  const around = new Surroundings([
    object('ClusterComputeResource', 'domain-c8', {
      name: text('c8'),
      configurationEx: val('ClusterConfigInfoEx', cluster),
    }),
    object('HostSystem', 'host-21', {
      name: text('esx1'),
      parent: ref('ClusterComputeResource', 'domain-c8'),
      'runtime.connectionState': text('connected'),
      'runtime.inMaintenanceMode': text('false'),
      ...host,
    }),
  ]);
  const found = sourceVm(object('VirtualMachine', 'vm-62', { ...sound, ...vm }), around, judge);
  if (found === undefined) throw new TypeError('it has no devices');
  return found;
}
