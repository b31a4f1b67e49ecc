/** How VDDK's version stands to that of a vCenter or a host. */
export interface VddkMisfit {
  readonly reason: 'OlderThanSource' | 'NewerThanSource';
  /** In words that follow `VDDK`. */
  readonly message: string;
}

/** "… to support N-2 and N+1 releases" (VDDK 8.0 release notes). 6.5 and 6.7 are a release each. */
const MOST_BEHIND = 1;
const MOST_AHEAD = 2;

/**
 * Whether VDDK is of a version that goes with the source. Its library says no more than a major version where it was not
 * installed with its full name, so a minor one does not count. One that is older is told even where VMware supports it,
 * for that is without what the newer release has brought.
 *
 * @returns undefined where it goes with it, or where a version is not understood
 */
export function vddkMisfit(vddk: string, source: string): VddkMisfit | undefined {
  const [ours, theirs] = [releaseOf(vddk), releaseOf(source)];
  if (ours === undefined || theirs === undefined) return undefined;
  const pair = `${vddk} is %s than the source, which is vSphere ${source}`;
  if (ours < theirs) {
    const how =
      theirs - ours > MOST_BEHIND
        ? 'VMware supports no more than the next release'
        : 'VMware supports that without its new features';
    return { reason: 'OlderThanSource', message: `${pair.replace('%s', 'older')}; ${how}` };
  }
  if (ours - theirs > MOST_AHEAD)
    return {
      reason: 'NewerThanSource',
      message: `${pair.replace('%s', 'much newer')}; VMware supports the two releases before it`,
    };
  return undefined;
}

/** The how many-th release it is, from 6.5 on. */
function releaseOf(version: string): number | undefined {
  const [, major, minor] = /^(\d+)(?:\.(\d+))?/.exec(version) ?? [];
  if (major === undefined) return undefined;
  if (Number(major) >= 7) return Number(major) - 5;
  if (Number(major) < 6) return -1;
  return minor === undefined || Number(minor) >= 7 ? 1 : Number(minor) >= 5 ? 0 : -1;
}
