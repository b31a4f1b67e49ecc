import type { Target } from '../port.js';
import { claimsFor } from './claims.js';
import { directoryConditionTypes } from './condition-types.js';
import { conditions } from './conditions.js';
import { itineraryFor } from './itinerary.js';
import { look } from './look.js';
import { place } from './place.js';
import { workplace } from './workplace.js';

/** Disk files, manifests and a libvirt domain in a folder: needs no cluster. */
export const directoryTarget: Target = {
  type: 'directory',
  conditionTypes: directoryConditionTypes,
  look,
  conditions,
  place,
  itineraryFor,
  claimsFor,
  workplace,
};
