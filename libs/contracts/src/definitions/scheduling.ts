import { z } from 'zod';

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set */
const LABEL_PART = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_PREFIX = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Whether Kubernetes accepts it as the key of a label or annotation, such as `example.com/tier`. */
export function isLabelKey(key: string): boolean {
  const slash = key.indexOf('/');
  if (slash < 0) return LABEL_PART.test(key);
  return LABEL_PREFIX.test(key.slice(0, slash)) && LABEL_PART.test(key.slice(slash + 1));
}

export const isLabelValue = (value: string): boolean => value === '' || LABEL_PART.test(value);

/**
 * On which nodes the target VM may run, in the form of Kubernetes' API:
 * https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#scheduling. Some API servers silently drop
 * misspelt fields, so everything is checked here.
 */

const LabelKey = z
  .string()
  .max(317)
  .refine(isLabelKey, 'must be the key of a label, such as `example.com/tier`');
const LabelValue = z.string().max(63).refine(isLabelValue, 'must be the value of a label, such as `fast`');

export const NodeSelector = z.record(LabelKey, LabelValue);

export const Toleration = z
  .strictObject({
    key: LabelKey.optional(),
    operator: z.enum(['Exists', 'Equal']).optional(),
    value: LabelValue.optional(),
    effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
    tolerationSeconds: z.int().optional(),
  })
  .refine(({ key, operator }) => key !== undefined || operator === 'Exists', {
    path: ['operator'],
    message: 'must be Exists if no `key` is given',
  })
  .refine(({ operator, value }) => operator !== 'Exists' || value === undefined, {
    path: ['value'],
    message: 'must be left out with the operator Exists',
  })
  .refine(({ effect, tolerationSeconds }) => tolerationSeconds === undefined || effect === 'NoExecute', {
    path: ['tolerationSeconds'],
    message: 'is allowed only with the effect NoExecute',
  });

const Weight = z.int().min(1).max(100);

const NodeRequirement = z
  .strictObject({
    key: z.string().min(1).max(317),
    operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt']),
    values: z.array(z.string().max(253)).max(1000).optional(),
  })
  .refine(({ operator, values = [] }) => /Exist/.test(operator) === (values.length === 0), {
    path: ['values'],
    message: 'must be left out with Exists and DoesNotExist, and given with every other operator',
  })
  .refine(({ operator, values }) => !/^(Gt|Lt)$/.test(operator) || values?.length === 1, {
    path: ['values'],
    message: 'must be one number with Gt and Lt',
  });
const NodeTerm = z.strictObject({
  matchExpressions: z.array(NodeRequirement).max(100).optional(),
  matchFields: z.array(NodeRequirement).max(100).optional(),
});

const LabelRequirement = z
  .strictObject({
    key: LabelKey,
    operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
    values: z.array(LabelValue).max(1000).optional(),
  })
  .refine(({ operator, values = [] }) => /Exist/.test(operator) === (values.length === 0), {
    path: ['values'],
    message: 'must be left out with Exists and DoesNotExist, and given with In and NotIn',
  });
const LabelSelector = z.strictObject({
  matchLabels: z.record(LabelKey, LabelValue).optional(),
  matchExpressions: z.array(LabelRequirement).max(100).optional(),
});
const PodTerm = z.strictObject({
  labelSelector: LabelSelector.optional(),
  namespaces: z.array(z.string().min(1).max(63)).max(100).optional(),
  namespaceSelector: LabelSelector.optional(),
  topologyKey: LabelKey,
});
const PodAffinity = z.strictObject({
  requiredDuringSchedulingIgnoredDuringExecution: z.array(PodTerm).max(100).optional(),
  preferredDuringSchedulingIgnoredDuringExecution: z
    .array(z.strictObject({ weight: Weight, podAffinityTerm: PodTerm }))
    .max(100)
    .optional(),
});

export const Affinity = z.strictObject({
  nodeAffinity: z
    .strictObject({
      requiredDuringSchedulingIgnoredDuringExecution: z
        .strictObject({ nodeSelectorTerms: z.array(NodeTerm).min(1).max(100) })
        .optional(),
      preferredDuringSchedulingIgnoredDuringExecution: z
        .array(z.strictObject({ weight: Weight, preference: NodeTerm }))
        .max(100)
        .optional(),
    })
    .optional(),
  podAffinity: PodAffinity.optional(),
  podAntiAffinity: PodAffinity.optional(),
});
