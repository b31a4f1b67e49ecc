import { BadOva } from './errors.js';
import { type XmlElement, childOf, childrenOf, textOf } from './xml.js';

/** A deployment size of an appliance (DSP0243, DeploymentOptionSection). */
export interface Configuration {
  readonly id: string;
  /** Display name. */
  readonly label: string;
}

export interface Configurations {
  readonly available: readonly Configuration[];
  /** The one used by default: the one marked as default, or else the first. */
  readonly chosen: string | undefined;
}

/** Real appliances have fewer than ten. The limit bounds the work, because each is read for each VM of the package. */
const MOST_CONFIGURATIONS = 64;

/**
 * Lists the configurations of a package.
 *
 * @param systems all its virtual systems; if the package declares no configurations, the names in their items count
 * @throws BadOva if there are too many
 */
export function configurationsOf(envelope: XmlElement, systems: readonly XmlElement[]): Configurations {
  const declared = childrenOf(childOf(envelope, 'DeploymentOptionSection'), 'Configuration');
  const byId = new Map(
    declared.map((element) => {
      const id = element.attributes.get('id') ?? '';
      return [
        id,
        { id, label: textOf(element, 'Label') || id, isDefault: isTrue(element.attributes.get('default')) },
      ];
    }),
  );
  byId.delete('');
  if (byId.size === 0) {
    const used = systems.flatMap((system) => sectionOf(system)?.children ?? []).flatMap(namesOf);
    for (const id of used) byId.set(id, { id, label: id, isDefault: false });
  }
  if (byId.size > MOST_CONFIGURATIONS) {
    const message = `the package has ${byId.size} deployment configurations, more than ${MOST_CONFIGURATIONS}`;
    throw new BadOva('badOvf', message, 'DeploymentOptionSection');
  }
  const all = [...byId.values()];
  return {
    available: all.map(({ id, label }) => ({ id, label })),
    chosen: (all.find(({ isDefault }) => isDefault) ?? all[0])?.id,
  };
}

const isTrue = (text: string | undefined): boolean => text === 'true' || text === '1';

/** Lists the configurations that include an item (separated by white space). None means all. */
const namesOf = ({ attributes }: XmlElement): readonly string[] =>
  (attributes.get('configuration') ?? '').split(/\s+/).filter((name) => name !== '');

/** @returns undefined if the system has no hardware */
export const sectionOf = (system: XmlElement): XmlElement | undefined =>
  childOf(system, 'VirtualHardwareSection');

/**
 * Selects the children of a hardware section that count in a configuration. The same rule for CPUs, memory, disks, NICs and settings.
 * - A child without `ovf:configuration` is part of every configuration (DSP0243, VirtualHardwareSection).
 * - An item with `ovf:bound` `min` or `max` is a limit on the normal one, never hardware.
 * - Items with the same InstanceID are one item, in which later values replace earlier ones.
 */
export function itemsIn(section: XmlElement, configuration: string | undefined): readonly XmlElement[] {
  const items = section.children.filter((child) => {
    const names = namesOf(child);
    const isPart = names.length === 0 || (configuration !== undefined && names.includes(configuration));
    return isPart && (child.attributes.get('bound') || 'normal') === 'normal';
  });
  const joined: XmlElement[] = [];
  const places = new Map<string, number>();
  for (const item of items) {
    const key = `${textOf(item, 'ResourceType')} ${textOf(item, 'InstanceID')}`;
    const place = places.get(key);
    const earlier = place === undefined ? undefined : joined[place];
    if (place !== undefined && earlier !== undefined && isSaidAgain(earlier, item))
      joined[place] = join(earlier, item);
    else places.set(key, joined.push(item) - 1);
  }
  return joined;
}

/**
 * Some exporters give several devices the same InstanceID, and these must not be merged. So merge only items of a configuration
 * that describe the same kind of device again.
 */
const isSaidAgain = (earlier: XmlElement, later: XmlElement): boolean =>
  textOf(later, 'InstanceID') !== '' && namesOf(earlier).length + namesOf(later).length > 0;

const join = (earlier: XmlElement, later: XmlElement): XmlElement => ({
  ...later,
  attributes: new Map([...earlier.attributes, ...later.attributes]),
  children: [
    ...earlier.children.filter(({ name }) => !later.children.some((child) => child.name === name)),
    ...later.children,
  ],
});
