import { describe, expect, it } from '@jest/globals';
import { type ProviderSpec, type SourceVm, ProviderSpec as Schema } from '@ledgerlift/contracts';
import { vmNamed } from '../validation/spec/facts.js';
import { sourceSpec } from '../api/spec/fixtures.js';
import { BytesToRead } from './bytes.js';
import type { SeenBytes } from './extents.js';

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
  it('are those that the disks hold, in the order of the VMs, looked at once', async () => {
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

  it('are the capacity where they cannot be seen, with the reason; the next time is looked again', async () => {
    const looking = new Looking(async () => ({ why: 'it is far away' }));
    const bytes = new BytesToRead(looking);
    for (const _ of [1, 2])
      expect(await bytes.of([sourceOf(vmNamed('a'))])).toEqual([
        { capacity: 2 ** 20, read: 2 ** 20, from: 'capacity', why: 'it is far away' },
      ]);
    expect(looking.looked).toHaveLength(2);
  });

  it('are none of disks that are at the target already', async () => {
    const looking = new Looking(async () => ({ bytes: 1 }));
    const found = await new BytesToRead(looking).of([sourceOf(vmNamed('a'), 'conversion')]);
    expect(found).toEqual([{ capacity: 2 ** 20, read: 0, from: 'nothing' }]);
    expect(looking.looked).toEqual([]);
  });

  it('are waited for no longer than anybody waits', async () => {
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
