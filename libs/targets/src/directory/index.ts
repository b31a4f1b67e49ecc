import type { DirectorySettings } from '@ledgerlift/contracts';
import type { Target } from '../port.js';
import { claimsFor } from '../files/claims.js';
import { directoryConditionTypes } from './condition-types.js';
import { tailOf } from '../files/log-tail.js';
import { resolveOwned } from './folder.js';
import { conditions } from './conditions.js';
import { usualItinerary } from '../itinerary.js';
import { manifestsOf } from './manifests.js';
import { look } from './look.js';
import { place } from './place.js';
import { workplace } from './workplace.js';

/** Disk files, manifests and a libvirt domain in a folder: needs no cluster. */
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
