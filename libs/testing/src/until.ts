/** Milliseconds after which what is waited for has hung: a time limit ends only that, however busy the machine is. */
export const HANGS_MS = 120_000;

/** Waits for something to become true, and says what when it does not. */
export async function until(
  what: string,
  check: () => boolean | Promise<boolean>,
  timeoutMs = HANGS_MS,
): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`${what}: not seen within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
