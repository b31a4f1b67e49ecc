import type { ConcernMeaning } from '../../plan-facts.js';
import type { vsphereConditionTypes } from '../plan/condition-types.js';

type Meaning = ConcernMeaning & { readonly type?: keyof typeof vsphereConditionTypes };

/** Which plans the concerns of this folder matter to, and those that have a condition of their own. */
export const concernMeanings: Readonly<Record<string, Meaning>> = {
  'vmware.changed_block_tracking.disabled': { of: 'warm' },
  'vmware.changed_block_tracking.disk.disabled': { of: 'warm' },
  'vmware.consolidation_needed': { of: 'reading', type: 'VMConsolidationNeeded' },
  'vmware.datastore.missing': { of: 'reading' },
  'vmware.disk.rdm.detected': { of: 'reading', type: 'RDMDiskWarning' },
  'vmware.disk.shared.detected': { of: 'reading' },
  'vmware.disk_mode.independent': { of: 'reading', type: 'IndependentDiskWarning' },
  'vmware.encryption.detected': { of: 'reading' },
  'vmware.guestDisks.freespace': { of: 'conversion' },
  'vmware.host.not_ready': { of: 'reading', type: 'HostNotReady' },
};
