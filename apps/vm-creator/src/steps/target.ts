import type { Attempt } from '@ledgerlift/worker';
import { type Workplace, guardOf, targetOf } from '@ledgerlift/targets';

/** Where the attempt's VM is made; to be disposed of. */
export const workplaceOf = (attempt: Attempt): Promise<Workplace> => {
  const { record } = attempt.job;
  return targetOf(record.target.type).workplace(record, guardOf(attempt));
};
