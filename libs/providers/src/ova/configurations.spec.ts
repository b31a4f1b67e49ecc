import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { configurationsOf } from './configurations.js';
import { type Hardware, hardwareOf } from './hardware.js';
import { virtualSystems } from './virtual-system.js';
import { parseXml } from './xml.js';

const KINDS = { cpu: 3, memory: 4, nic: 10, disk: 17 } as const;
type Kind = keyof typeof KINDS;

interface TestItem {
  readonly kind: Kind;
  readonly id: number;
  readonly quantity: number;
  /** None: in every configuration. */
  readonly configurations?: readonly string[];
  readonly bound?: 'min' | 'max' | 'normal';
}

function itemText({ kind, id, quantity, configurations, bound }: TestItem): string {
  const attributes = [
    ...(configurations === undefined ? [] : [`ovf:configuration="${configurations.join(' ')}"`]),
    ...(bound === undefined ? [] : [`ovf:bound="${bound}"`]),
  ];
  return `<Item ${attributes.join(' ')}><InstanceID>${id}</InstanceID><ResourceType>${KINDS[kind]}</ResourceType>
    <VirtualQuantity>${quantity}</VirtualQuantity><HostResource>ovf:/disk/d${quantity}</HostResource>
    <Connection>n${quantity}</Connection></Item>`;
}

const envelope = (items: readonly TestItem[], declared = ''): string =>
  `<Envelope>${declared}<VirtualSystem id="x"><VirtualHardwareSection>${items.map(itemText).join('')}
    </VirtualHardwareSection></VirtualSystem></Envelope>`;

function hardware(items: readonly TestItem[], configuration?: string): Hardware {
  const [system] = virtualSystems(parseXml(envelope(items)));
  if (system === undefined) throw new Error('there is no system');
  return hardwareOf(system, configuration, 'x');
}

/** The quantities by which a test tells items of one kind apart. */
function seen(kind: Kind, { cpus, memoryBytes, disks, nics }: Hardware): readonly number[] {
  if (kind === 'disk') return disks.map(({ diskId }) => Number(diskId.slice(1)));
  if (kind === 'nic') return nics.map(({ network }) => Number(network.slice(1)));
  return [kind === 'cpu' ? cpus : memoryBytes / 2 ** 20];
}

const kinds = Object.keys(KINDS) as readonly Kind[];

describe('an item', () => {
  it.each(kinds)('of the kind %s is hardware only in the configurations that it names', (kind) => {
    const names = ['small', 'medium', 'large'];
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.subarray(names), { nil: undefined }), { minLength: 1, maxLength: 6 }),
        fc.array(fc.constantFrom('min' as const, 'max' as const), { maxLength: 3 }),
        fc.constantFrom(...names, undefined),
        (memberships, limits, chosen) => {
          const items: TestItem[] = memberships.map((configurations, index) => ({
            kind,
            id: 10 + index,
            quantity: 2 + index,
            ...(configurations === undefined ? {} : { configurations }),
          }));
          const bounds = limits.map((bound, index): TestItem => ({
            kind,
            id: 50 + index,
            quantity: 50 + index,
            bound,
          }));
          const all = items
            .filter(
              ({ configurations = [] }) =>
                configurations.length === 0 || configurations.includes(chosen ?? ''),
            )
            .map(({ quantity, configurations = [] }) => ({ quantity, isOwn: configurations.length > 0 }));
          const found = seen(kind, hardware([...bounds, ...items], chosen));
          if (kind === 'disk' || kind === 'nic') {
            expect(found).toEqual(all.map(({ quantity }) => quantity));
            return;
          }
          // There is one amount of CPUs and memory; one that was written for the configuration counts more.
          const counting = all.find(({ isOwn }) => isOwn) ?? all[0];
          expect(found).toEqual([counting?.quantity ?? (kind === 'cpu' ? 1 : 0)]);
        },
      ),
    );
  });

  it('without a configuration is replaced by one of the same InstanceID that has the configuration', () => {
    const items: readonly TestItem[] = kinds.flatMap((kind, index) => [
      { kind, id: index, quantity: 2 },
      { kind, id: index, quantity: 8, configurations: ['large'] },
    ]);
    for (const kind of kinds) {
      expect(seen(kind, hardware(items, 'small'))).toEqual([2]);
      expect(seen(kind, hardware(items, 'large'))).toEqual([8]);
    }
  });

  it('is a device of its own where an exporter gives one InstanceID twice', () => {
    const items: readonly TestItem[] = [2, 3].map((quantity) => ({ kind: 'disk', id: 7, quantity }));
    expect(seen('disk', hardware(items))).toEqual([2, 3]);
  });
});

describe('the configurations of a package', () => {
  const declared = (...lines: readonly string[]): string =>
    `<DeploymentOptionSection>${lines.join('')}</DeploymentOptionSection>`;
  const read = (text: string): ReturnType<typeof configurationsOf> => {
    const parsed = parseXml(text);
    return configurationsOf(parsed, virtualSystems(parsed));
  };
  const [a, b] = ['<Configuration id="a"><Label>A</Label></Configuration>', '<Configuration id="b"/>'];

  it('are none for most', () => expect(read(envelope([]))).toEqual({ available: [], chosen: undefined }));

  it('are those that it declares, with the first as default', () =>
    expect(read(envelope([], declared(a, b)))).toEqual({
      available: [
        { id: 'a', label: 'A' },
        { id: 'b', label: 'b' },
      ],
      chosen: 'a',
    }));

  it.each(['true', '1'])('have the default that is marked by %s', (mark) =>
    expect(read(envelope([], declared(a, b.replace('/>', ` default="${mark}"/>`)))).chosen).toBe('b'),
  );

  it('are those that items name, where none is declared', () =>
    expect(read(envelope([{ kind: 'cpu', id: 1, quantity: 1, configurations: ['x', 'y'] }]))).toMatchObject({
      available: [{ id: 'x' }, { id: 'y' }],
      chosen: 'x',
    }));

  it('are at most 64', () => {
    const many = Array.from({ length: 65 }, (_, index) => `<Configuration id="c${index}"/>`);
    expect(() => read(envelope([], declared(...many)))).toThrow(
      expect.objectContaining({ code: 'LL-OVA-005' }),
    );
  });
});
