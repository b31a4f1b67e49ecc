import type { RehearsedVm, VmRecord } from '@ledgerlift/contracts';
import type { ExtentsAccess, SeenBytes } from './extents.js';

type Bytes = RehearsedVm['bytes'];
type Source = VmRecord['source'];

/** How many VMs are looked at at once, and for how long all of them together: who asks waits for the answer. */
const AT_ONCE = 4;
const TIME_MS = 20_000;
/** Of more VMs than this nothing is kept. */
const MOST_KEPT = 20_000;

/** What will be read of VMs. What was seen of one is kept until its fingerprint changes. */
export class BytesToRead {
  readonly #seen = new Map<string, SeenBytes>();

  constructor(
    private readonly access: ExtentsAccess,
    private readonly timeMs = TIME_MS,
  ) {}

  /** For each source, in its order; the capacity where more cannot be seen in time. Never throws. */
  async of(sources: readonly Source[]): Promise<readonly Bytes[]> {
    const signal = AbortSignal.timeout(this.timeMs);
    const found: Bytes[] = [];
    let next = 0;
    const work = async (): Promise<void> => {
      for (let index = next++; index < sources.length; index = next++) {
        const source = sources[index];
        if (source !== undefined) found[index] = told(source, await this.#look(source, signal));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return found;
  }

  async #look({ provider, vm }: Source, signal: AbortSignal): Promise<SeenBytes> {
    const key = `${provider.id}/${vm.id}/${vm.fingerprint}`;
    const known = this.#seen.get(key);
    if (known !== undefined) return known;
    const seen = await this.access.bytesOf(provider.spec, vm, signal);
    // What hindered may be over by the next time.
    if ('bytes' in seen && this.#seen.size < MOST_KEPT) this.#seen.set(key, seen);
    return seen;
  }
}

function told({ vm }: Source, seen: SeenBytes): Bytes {
  const capacity = vm.disks.reduce((sum, { capacityBytes }) => sum + Math.max(capacityBytes, 0), 0);
  return 'bytes' in seen
    ? { capacity, read: seen.bytes, from: 'extents' }
    : { capacity, read: capacity, from: 'capacity', why: seen.why };
}
