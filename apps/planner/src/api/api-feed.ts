import type { StoredEvent } from '@ledgerlift/event-log';
import type { CatalogProjection } from '../catalog/index.js';
import type { Measurements } from '../rehearsal/index.js';
import type { IdempotencyIndex } from './edge/idempotency.js';

/** What of the API is built from the log: gets every event in the log's order, from the beginning, then as they come. */
export class ApiFeed {
  constructor(
    private readonly catalog: CatalogProjection,
    private readonly idempotency: IdempotencyIndex,
    private readonly measurements: Measurements,
  ) {}

  apply(event: StoredEvent): void {
    this.catalog.apply(event);
    this.idempotency.apply(event);
    this.measurements.apply(event);
  }
}
