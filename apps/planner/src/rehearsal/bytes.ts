import type { RehearsedVm, VmRecord } from '@ledgerlift/contracts';
import { capacityOf } from '../selection/index.js';
import type { ExtentsAccess, SeenBytes } from './extents.js';

type Bytes = RehearsedVm['bytes'];
type Source = VmRecord['source'];
type Read = Pick<VmRecord, 'source'> & { readonly settings: Pick<VmRecord['settings'], 'type'> };

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

  /** For each VM, in its order; the capacity where more cannot be seen in time. Never throws. */
  async of(vms: readonly Read[]): Promise<readonly Bytes[]> {
    const signal = AbortSignal.timeout(this.timeMs);
    const found: Bytes[] = [];
    let next = 0;
    const work = async (): Promise<void> => {
      for (let index = next++; index < vms.length; index = next++) {
        const vm = vms[index];
        if (vm !== undefined) found[index] = await this.#of(vm, signal);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return found;
  }

  async #of({ source, settings }: Read, signal: AbortSignal): Promise<Bytes> {
    if (settings.type === 'conversion') return { capacity: capacityOf(source.vm), read: 0, from: 'nothing' };
    return told(source, await this.#look(source, signal));
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
  const capacity = capacityOf(vm);
  return 'bytes' in seen
    ? { capacity, read: seen.bytes, from: 'extents' }
    : { capacity, read: capacity, from: 'capacity', why: seen.why };
}
