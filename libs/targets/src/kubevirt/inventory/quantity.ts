const BINARY = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const DECIMAL: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
};

/**
 * A quantity of Kubernetes as a number: bytes of memory and storage, cores of CPUs.
 * https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 *
 * @returns undefined where it is none
 */
export function quantity(text: string): number | undefined {
  const [, digits, suffix = ''] = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(\w*)$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const power = BINARY.indexOf(suffix) + 1;
  const factor = power > 0 ? 1024 ** power : DECIMAL[suffix];
  return factor === undefined ? undefined : Number(digits) * factor;
}
