import { createView, filterOn } from './inventory/read.js';
import type { VsphereSession } from './session.js';
import { retrieveFiltered, type VimObject } from './soap/properties.js';

const DESTROY_MS = 10_000;

/** All objects of a type, wherever they lie, with some of their properties. @throws what a call throws */
export async function allOf(
  session: VsphereSession,
  type: string,
  pathSet: readonly string[],
  signal: AbortSignal,
): Promise<readonly VimObject[]> {
  const view = await createView(session, [type], signal);
  try {
    return await retrieveFiltered(session, filterOn(view, [{ type, all: false, pathSet }]), signal);
  } finally {
    // It is gone with the session at the latest.
    const ending = AbortSignal.timeout(DESTROY_MS);
    await session.call('DestroyView', view, {}, { signal: ending }).catch(() => undefined);
  }
}
