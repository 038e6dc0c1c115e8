import { derivedId } from '../derived-id.js';
import type { EventBatch } from '../event-batch.js';

/**
 * One batch with all rows of several, in their order.
 * @param batches of one type, whose rows may be written one after the other; the oldest first, whose time the new one keeps
 */
export function combineBatches(batches: readonly [EventBatch, ...EventBatch[]]): EventBatch {
  const [oldest] = batches;
  const combines = batches.map(({ id, events, rows }) => ({ id, events, bytes: rows.byteLength }));
  return {
    id: derivedId(oldest.id, `with ${combines.map(({ id }) => id).join(' ')}`),
    type: oldest.type,
    events: batches.reduce((sum, { events }) => sum + events, 0),
    rows: Buffer.concat(batches.map(({ rows }) => rows)),
    combines,
  };
}
