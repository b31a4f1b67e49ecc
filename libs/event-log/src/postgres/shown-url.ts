/** The URL without user and password, and without settings, which may hold one. */
export function shownUrl(url: string): string {
  try {
    const { host, pathname } = new URL(url);
    return `postgres://${host}${pathname}`;
  } catch {
    return 'the PostgreSQL database';
  }
}
