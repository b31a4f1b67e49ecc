import { hardwareSection } from './ovf-hardware.js';
import { element, text } from './xml-text.js';
const dmtf = 'http://schemas.dmtf.org';
const namespaces = {
    xmlns: `${dmtf}/ovf/envelope/1`,
    'xmlns:ovf': `${dmtf}/ovf/envelope/1`,
    'xmlns:rasd': `${dmtf}/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData`,
    'xmlns:vssd': `${dmtf}/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData`,
    'xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance',
};
const styles = {
    vmware: { 'vmw:buildId': 'build-20395099', 'xmlns:vmw': 'http://www.vmware.com/schema/ovf' },
    virtualbox: {
        'ovf:version': '1.0',
        'xml:lang': 'en-US',
        'xmlns:vbox': 'http://www.virtualbox.org/ovf/machine',
    },
};
const streamOptimized = 'http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized';
const sparse = 'http://www.vmware.com/interfaces/specifications/vmdk.html#sparse';
/** The OVF of DSP0243 (envelope 1), in the habits of VMware's or VirtualBox's exporters. */
export function ovfDocument(spec, vms) {
    const style = spec.style ?? 'vmware';
    const systems = vms.map((packed) => virtualSystem(packed, style));
    const disks = vms.flatMap((packed) => packed.disks);
    return [
        '<?xml version="1.0" encoding="UTF-8"?>\n',
        element('Envelope', { ...namespaces, ...styles[style] }, element('References', {}, ...disks.flatMap(references)), element('DiskSection', {}, info('Virtual disk information'), ...disks.map((disk) => diskOf(disk, spec))), networkSection(vms), vms.length === 1 && systems[0] !== undefined
            ? systems[0]
            : element('VirtualSystemCollection', { 'ovf:id': spec.name }, info('A collection'), ...systems)),
        '\n',
    ].join('');
}
function references({ href, fileId, size, disk, files }) {
    const described = element('File', {
        'ovf:href': href,
        'ovf:id': fileId,
        'ovf:size': size,
        'ovf:compression': disk.compression,
        'ovf:chunkSize': disk.chunkSize,
    });
    if (disk.subformat !== 'monolithicFlat')
        return [described];
    const extents = files.filter((file) => file !== href);
    return [
        described,
        ...extents.map((extent) => element('File', { 'ovf:href': extent, 'ovf:id': `${fileId}-extent` })),
    ];
}
function diskOf({ diskId, fileId, capacity, disk }, { capacityUnits, style }) {
    const units = capacityUnits ?? { written: 'byte', bytes: 1 };
    return element('Disk', {
        'ovf:capacity': Math.ceil(capacity / units.bytes),
        // VirtualBox leaves the units out where they are bytes.
        'ovf:capacityAllocationUnits': style === 'virtualbox' && capacityUnits === undefined ? undefined : units.written,
        'ovf:diskId': diskId,
        'ovf:fileRef': fileId,
        'ovf:format': (disk.subformat ?? 'streamOptimized') === 'streamOptimized' ? streamOptimized : sparse,
    });
}
function networkSection(vms) {
    const names = new Set(vms.flatMap(({ vm }) => (vm.nics ?? []).map(({ network }) => network)));
    const networks = [...names].map((name) => element('Network', { 'ovf:name': name }, element('Description', {}, text(`The ${name} network`))));
    return element('NetworkSection', {}, info('The list of logical networks'), ...networks);
}
function virtualSystem(packed, style) {
    const { name, os } = packed.vm;
    const own = style === 'vmware';
    const kind = os ?? (own ? 'debian12_64Guest' : 'Debian_64');
    const description = own ? 'Debian GNU/Linux 12 (64-bit)' : kind;
    return element('VirtualSystem', { 'ovf:id': name }, info('A virtual machine'), ...(own ? [element('Name', {}, text(name))] : []), element('OperatingSystemSection', { 'ovf:id': 96, 'vmw:osType': own ? kind : undefined }, info('The kind of installed guest operating system'), element('Description', {}, text(description)), ...(own ? [] : [element('vbox:OSType', { 'ovf:required': 'false' }, text(kind))])), hardwareSection(packed, style), ...(own ? [] : [virtualBoxMachine(packed)]));
}
function virtualBoxMachine({ vm }) {
    const firmware = vm.firmware === 'efi' ? [element('Firmware', { type: 'EFI' })] : [];
    return element('vbox:Machine', { 'ovf:required': 'false', version: '1.19-linux', name: vm.name, OSType: vm.os ?? 'Debian_64' }, element('ovf:Info', {}, text('Complete VirtualBox machine configuration')), element('Hardware', {}, element('CPU', { count: vm.cpus ?? 1 }), ...firmware));
}
function info(words) {
    return element('Info', {}, text(words));
}
//# sourceMappingURL=ovf-document.js.map