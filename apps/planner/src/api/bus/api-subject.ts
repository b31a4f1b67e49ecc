import { subjects } from '@ledgerlift/contracts';

/** Subject of an operation: `plans.start` is asked for on `ledgerlift.api.plans.start`. */
export function apiSubject(name: string): string {
  const [resource = '', verb = ''] = name.split('.');
  return subjects.api(resource, verb);
}
