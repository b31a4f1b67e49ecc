/** First of the source's sites that reaches the target too; undefined: no worker can serve both. */
export function sharedSite(
  sourceSites: readonly string[],
  targetSites: readonly string[],
): string | undefined {
  return sourceSites.find((site) => targetSites.includes(site));
}
