import { describe, expect, it } from '@jest/globals';
import { type ProviderSpec, ProviderSpec as Schema, type SourceVm } from '@ledgerlift/contracts';
import { sourceSpec } from '../spec/fixtures.js';
import { vmNamed } from '../validation/spec/facts.js';
import { BytesToRead, type SeenBytes } from './forecast.js';

const provider = { id: 'src', spec: Schema.parse(sourceSpec) };
const sourceOf = (vm: SourceVm, type: 'cold' | 'conversion' = 'cold') => ({
  source: { provider, vm },
  settings: { type },
});

/** Counts who is looked at. */
class Looking {
  readonly looked: string[] = [];
  constructor(private readonly seen: (vm: SourceVm, signal: AbortSignal) => Promise<SeenBytes>) {}
  bytesOf(_spec: ProviderSpec, vm: SourceVm, signal: AbortSignal): Promise<SeenBytes> {
    this.looked.push(vm.name);
    return this.seen(vm, signal);
  }
}

describe('bytes that will be read', () => {
  it('are the allocated ones, in the order of the VMs, examined once', async () => {
    const looking = new Looking(async ({ name }) => ({ bytes: name.length }));
    const bytes = new BytesToRead(looking);
    const sources = ['a', 'bb', 'ccc', 'dddd', 'eeeee'].map((name) => sourceOf(vmNamed(name)));
    for (const _ of [1, 2]) {
      const found = await bytes.of(sources);
      expect(found.map(({ read, from }) => ({ read, from }))).toEqual(
        [1, 2, 3, 4, 5].map((read) => ({ read, from: 'extents' })),
      );
    }
    expect(looking.looked).toHaveLength(5);
    await bytes.of([sourceOf(vmNamed('a', { fingerprint: 'f2' }))]);
    expect(looking.looked).toHaveLength(6);
  });

  it('are the capacity if they cannot be seen, with the reason, until the next attempt', async () => {
    const looking = new Looking(async () => ({ why: 'it is far away' }));
    const bytes = new BytesToRead(looking);
    for (const _ of [1, 2])
      expect(await bytes.of([sourceOf(vmNamed('a'))])).toEqual([
        { capacity: 2 ** 20, read: 2 ** 20, from: 'capacity', why: 'it is far away' },
      ]);
    expect(looking.looked).toHaveLength(2);
  });

  it('are zero for disks that are already at the target', async () => {
    const looking = new Looking(async () => ({ bytes: 1 }));
    const found = await new BytesToRead(looking).of([sourceOf(vmNamed('a'), 'conversion')]);
    expect(found).toEqual([{ capacity: 2 ** 20, read: 0, from: 'nothing' }]);
    expect(looking.looked).toEqual([]);
  });

  it('are not waited for beyond the time limit', async () => {
    const slow = new Looking(
      (_vm, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve({ why: 'there was no time to look at it' }));
          if (signal.aborted) resolve({ why: 'there was no time to look at it' });
        }),
    );
    const found = await new BytesToRead(slow, 20).of(['a', 'b'].map((name) => sourceOf(vmNamed(name))));
    expect(found.map(({ from }) => from)).toEqual(['capacity', 'capacity']);
  });
});
