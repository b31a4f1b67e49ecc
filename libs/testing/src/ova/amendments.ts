/** Changes to an OVF that `buildOva` wrote, for `OvaSpec.amend`. They throw nothing: what is not there is not changed. */

export interface TestConfiguration {
  readonly id: string;
  readonly label?: string;
  readonly isDefault?: boolean;
}

/** Declares deployment configurations. */
export const withConfigurations =
  (...configurations: readonly TestConfiguration[]) =>
  (ovf: string): string => {
    const declared = configurations.map(
      ({ id, label = id, isDefault }) =>
        `<Configuration ovf:id="${id}"${isDefault === true ? ' ovf:default="true"' : ''}><Label>${label}</Label></Configuration>`,
    );
    const section = `<DeploymentOptionSection><Info>Sizes</Info>${declared.join('')}</DeploymentOptionSection>`;
    return ovf.replace('<NetworkSection>', `${section}<NetworkSection>`);
  };

/**
 * Gives attributes to the items of a resource type.
 *
 * @param type of CIM: 3 CPUs, 4 memory, 10 NICs, 17 disks
 * @param attributes for the first item of the type, the second, …; undefined leaves one as it is
 */
export const withItemAttributes =
  (type: number, ...attributes: readonly (string | undefined)[]) =>
  (ovf: string): string => {
    let index = 0;
    return ovf.replaceAll(/<Item>.*?<\/Item>/g, (item) => {
      if (!item.includes(`<rasd:ResourceType>${type}<`)) return item;
      const added = attributes[index];
      index += 1;
      return added === undefined ? item : item.replace('<Item>', `<Item ${added}>`);
    });
  };

/** Adds items at the end of each hardware section, by their fields in the namespace `rasd`. */
export const withItems =
  (
    ...items: readonly {
      readonly attributes?: string;
      readonly fields: Readonly<Record<string, string | number>>;
    }[]
  ) =>
  (ovf: string): string => {
    const written = items.map(({ attributes = '', fields }) => {
      const inner = Object.entries(fields).map(([name, value]) => `<rasd:${name}>${value}</rasd:${name}>`);
      return `<Item ${attributes}>${inner.join('')}</Item>`;
    });
    return ovf.replaceAll('</VirtualHardwareSection>', `${written.join('')}</VirtualHardwareSection>`);
  };

/** Adds an empty disk: it has a capacity and no file. */
export const withBlankDisk =
  (diskId: string, bytes: number) =>
  (ovf: string): string =>
    withItems({
      fields: {
        AddressOnParent: 9,
        HostResource: `ovf:/disk/${diskId}`,
        InstanceID: 99,
        Parent: 3,
        ResourceType: 17,
      },
    })(ovf).replace(
      '</DiskSection>',
      `<Disk ovf:diskId="${diskId}" ovf:capacity="${bytes}" ovf:capacityAllocationUnits="byte"/></DiskSection>`,
    );

/** One amendment after the other. */
export const amendments =
  (...each: readonly ((ovf: string) => string)[]) =>
  (ovf: string): string =>
    each.reduce((text, amend) => amend(text), ovf);

/** Writes the OVF as oVirt's engine does: topology, MAC, NIC model, firmware and bus in elements of its own. */
export const asOvirt = (ovf: string): string =>
  ovf
    .replace(/ xmlns:vmw="[^"]*"/, ' xmlns:ovirt="http://www.ovirt.org/ovf"')
    .replaceAll(/ vmw:\w+="[^"]*"/g, '')
    .replaceAll('<Disk ', '<Disk ovf:parentRef="" ovf:disk-interface="VirtIO_SCSI" ')
    .replaceAll('<OperatingSystemSection', '<BiosType>4</BiosType><OperatingSystemSection')
    .replaceAll(/<rasd:Parent>3</g, '<rasd:Parent>00000000-0000-0000-0000-000000000000<')
    .replaceAll(
      /(<rasd:ResourceType>3<\/rasd:ResourceType>)/g,
      '$1<rasd:num_of_sockets>2</rasd:num_of_sockets><rasd:cpu_per_socket>4</rasd:cpu_per_socket><rasd:threads_per_cpu>1</rasd:threads_per_cpu>',
    )
    .replaceAll(/<rasd:ResourceSubType>E1000</g, '<rasd:ResourceSubType>3<')
    .replaceAll(
      /<rasd:Address>(..:..:..:..:..:..)<\/rasd:Address>/g,
      '<rasd:MACAddress>$1</rasd:MACAddress>',
    );
