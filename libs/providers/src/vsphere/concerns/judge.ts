import type { Judge } from '../inventory/index.js';
import { concernsOf } from './concerns-of.js';

/** Raises the concerns about a VM as the inventory reads it. */
export const judge: Judge = (raw, vm, around) => {
  const host = raw.properties.get('runtime.host')?.ref;
  return concernsOf(raw, vm, {
    host: around.propertiesOf(host),
    cluster: around.propertiesOf(around.above(host, 'ClusterComputeResource')),
  });
};
