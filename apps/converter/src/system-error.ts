/** A property of an error that came from anywhere: by shape, for in another realm `instanceof` is false. */
export function propertyOf(error: unknown, name: 'code' | 'stderr' | 'message'): string {
  if (typeof error !== 'object' || error === null || !(name in error)) return '';
  const value: unknown = (error as Readonly<Record<string, unknown>>)[name];
  return typeof value === 'string' ? value : '';
}
