import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import {
  ImageToolFailed,
  OverlayDamaged,
  type Overlay,
  type OverlayCommit,
  targetOf,
} from '@ledgerlift/targets';
import type { Attempt, StepHandler } from '@ledgerlift/worker';
import type { ConverterSettings } from '../config.js';
import { NothingToCommit, OverlayLost } from '../errors.js';
import { runHeld } from '../holder/index.js';
import { takeOver, type Workplace, workplaceOf } from './workplace.js';

/** The changes to the disks, in order. They have names so that a test can kill the process between any two. */
export type CommitMove = 'commit' | 'flush' | 'mark' | 'remove';

/** Limit for one image's commit: the time that storage may need to write a conversion's changes. */
const COMMIT_TIMEOUT = 3_600_000;

/**
 * Writes every overlay into its disk. The conversion is already logged, so a retry repeats only this step: overlays
 * keep their content until the marker records that all are committed and flushed.
 *
 * @param before called before each move
 */
export function imageCommit(
  settings: ConverterSettings,
  before: (move: CommitMove) => void = () => undefined,
): StepHandler {
  return async (attempt) => {
    const { record, results, conversions } = attempt.job;
    const conversion = conversions ?? results.filter(({ step }) => step === 'ImageConversion').length;
    if (conversion === 0) throw new NothingToCommit();
    await using place = await workplaceOf(attempt, settings.scratch);
    const { ImageCommit: claims } = targetOf(record.target.type).claimsFor(record);
    await attempt.claim([...claims, place.holder.resource]);
    await takeOver(place);
    if ((await place.at.committed()) !== conversion) {
      await commitAll(attempt, place, settings, before);
      before('mark');
      await place.at.markCommitted(conversion);
    }
    await removeOverlays(attempt, place, before);
    return { step: 'ImageCommit', disks: record.disks.map(({ name }) => name) };
  };
}

async function commitAll(
  attempt: Attempt,
  place: Workplace,
  settings: ConverterSettings,
  before: (move: CommitMove) => void,
): Promise<void> {
  const { overlays, at } = place;
  const lost = overlays.filter(({ path }) => !existsSync(path)).map(({ path }) => path);
  if (lost.length > 0) throw new OverlayLost(lost);
  for (const overlay of overlays) {
    const base = await at.baseOf(overlay);
    if (base !== overlay.base)
      throw new OverlayDamaged(overlay.path, `its base is ${base ?? 'missing'}, not ${overlay.base}`);
  }
  for (const [index, overlay] of overlays.entries()) {
    attempt.progress(
      [{ name: 'commit', done: index, total: overlays.length, unit: 'steps' }],
      `Committing disk ${index + 1} of ${overlays.length}`,
    );
    before('commit');
    const commit = await commitOne(attempt, place, settings, overlay);
    before('flush');
    await commit.flush();
  }
}

async function commitOne(
  attempt: Attempt,
  place: Workplace,
  settings: ConverterSettings,
  overlay: Overlay,
): Promise<OverlayCommit> {
  const commit = await place.at.commit(overlay);
  await place.stillOurs();
  let text = '';
  const end = await runHeld({
    argv: commit.argv,
    env: settings.childEnv,
    record: place.holder.path,
    scratch: place.scratch,
    owner: place.holder.owner,
    signal: attempt.signal,
    timeoutMs: COMMIT_TIMEOUT,
    settleMs: 10_000,
    onStdout: () => undefined,
    onStderr: (chunk) => {
      if (text.length < 10_000) text += chunk.toString();
    },
  });
  if (end.ended !== 'exit')
    throw new ImageToolFailed(`commit of "${overlay.path}"`, 'it did not end in time');
  if (end.status !== 0) throw commit.failed(text || `status ${end.status}`);
  return commit;
}

/** Call this only after the marker is durable. Overlays already gone were removed by an earlier attempt. */
async function removeOverlays(
  attempt: Attempt,
  place: Workplace,
  before: (move: CommitMove) => void,
): Promise<void> {
  const { target, at, holder } = place;
  for (const resource of at.claims.filter(({ kind }) => kind === 'overlay')) {
    before('remove');
    await attempt.released([{ resource, how: await target.release(resource) }]);
  }
  await rm(place.scratch, { recursive: true, force: true });
  await attempt.released([{ resource: holder.resource, how: await target.release(holder.resource) }]);
  await at.flush();
}
