import { element, text } from './xml-text.js';
// CIM_ResourceAllocationSettingData.ResourceType (DSP0004's schema)
const resource = { cpu: 3, memory: 4, ide: 5, scsi: 6, ethernet: 10, disk: 17, otherStorage: 20 };
const controllers = {
    lsilogic: { type: resource.scsi, named: 'SCSI Controller' },
    VirtualSCSI: { type: resource.scsi, named: 'SCSI Controller' },
    AHCI: { type: resource.otherStorage, named: 'SATA Controller' },
    PIIX4: { type: resource.ide, named: 'IDE Controller' },
};
/** The VirtualHardwareSection of one VM. */
export function hardwareSection({ vm, disks }, style) {
    const { cpus = 1, memoryMiB = 1024, nics = [], controller = defaultController(style) } = vm;
    const { type, named } = controllers[controller];
    const controllerId = 3;
    const items = [
        {
            name: `${cpus} virtual CPU(s)`,
            type: resource.cpu,
            fields: { AllocationUnits: style === 'vmware' ? 'hertz * 10^6' : undefined, VirtualQuantity: cpus },
        },
        {
            name: `${memoryMiB}MB of memory`,
            type: resource.memory,
            fields: {
                AllocationUnits: style === 'vmware' ? 'byte * 2^20' : 'MegaBytes',
                VirtualQuantity: memoryMiB,
            },
        },
        { name: `${named} 0`, type, fields: { Address: 0, ResourceSubType: controller } },
        ...disks.map(({ diskId }, index) => ({
            name: `Hard Disk ${index + 1}`,
            type: resource.disk,
            fields: {
                AddressOnParent: index,
                HostResource: style === 'vmware' ? `ovf:/disk/${diskId}` : `/disk/${diskId}`,
                Parent: controllerId,
            },
        })),
        ...nics.map((nic, index) => ethernet(nic, index)),
    ];
    return element('VirtualHardwareSection', {}, element('Info', {}, text('Virtual hardware requirements')), system(vm.name, style), ...items.map((item, index) => itemElement(item, index + 1)), ...(style === 'vmware' && vm.firmware === 'efi'
        ? [element('vmw:Config', { 'ovf:required': 'false', 'vmw:key': 'firmware', 'vmw:value': 'efi' })]
        : []));
}
function defaultController(style) {
    return style === 'vmware' ? 'lsilogic' : 'AHCI';
}
function ethernet({ network, model = 'E1000', mac }, index) {
    return {
        name: `Ethernet ${index + 1}`,
        type: resource.ethernet,
        fields: {
            Address: mac,
            AddressOnParent: index + 7,
            AutomaticAllocation: 'true',
            Connection: network,
            ResourceSubType: model,
        },
    };
}
function system(name, style) {
    const fields = {
        ElementName: 'Virtual Hardware Family',
        InstanceID: 0,
        VirtualSystemIdentifier: name,
        VirtualSystemType: style === 'vmware' ? 'vmx-13' : 'virtualbox-2.2',
    };
    const entries = Object.entries(fields).map(([key, value]) => element(`vssd:${key}`, {}, text(value)));
    return element('System', {}, ...entries);
}
function itemElement({ name, type, fields = {} }, id) {
    const all = { ...fields, ElementName: name, InstanceID: id, ResourceType: type };
    // The schema wants the fields of an item in the order of the alphabet.
    const sorted = Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1));
    return element('Item', {}, ...sorted.flatMap(([key, value]) => value === undefined ? [] : [element(`rasd:${key}`, {}, text(value))]));
}
//# sourceMappingURL=ovf-hardware.js.map