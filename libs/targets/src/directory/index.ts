import type { DirectorySettings } from '@ledgerlift/contracts';
import type { Target } from '../port.js';
import { claimsFor } from '../files/claims.js';
import { conditions, directoryConditionTypes } from './conditions.js';
import { tailOf } from '../files/vm-files.js';
import { resolveOwned } from './folder.js';
import { usualItinerary } from '../itinerary.js';
import { manifestsOf, workplace } from './workplace.js';
import { look, place } from './look.js';

/** A target that writes disk files, manifests and a libvirt domain to a folder. Needs no cluster. */
export const directoryTarget: Target<DirectorySettings> = {
  type: 'directory',
  conditionTypes: directoryConditionTypes,
  look,
  conditions,
  place,
  itineraryFor: (record, targetSites) => usualItinerary(record, claimsFor(record), targetSites),
  claimsFor,
  render: manifestsOf,
  where: ({ settings }) => settings.path,
  readLog: async (record, name, tailBytes) => tailOf(await resolveOwned(record, name), tailBytes),
  workplace,
};
