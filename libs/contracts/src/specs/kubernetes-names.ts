/** https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set */
const LABEL_PART = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_PREFIX = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Whether Kubernetes takes it as the key of a label or an annotation, such as `example.com/tier`. */
export function isLabelKey(key: string): boolean {
  const slash = key.indexOf('/');
  if (slash < 0) return LABEL_PART.test(key);
  return LABEL_PREFIX.test(key.slice(0, slash)) && LABEL_PART.test(key.slice(slash + 1));
}

export const isLabelValue = (value: string): boolean => value === '' || LABEL_PART.test(value);
