import { EVENTS_APART_V1 } from '../transport/batch-types.js';
import { derivedId } from '../transport/derived-id.js';
import type { EventBatch } from '../transport/event-batch.js';
import { type EncodedEvent, encodedEvents } from '../warehouse/encoded-events.js';

/**
 * Each tenant's events as a batch of its own. Of a batch that combines several one may not hold the rows that it says it does; that
 * one stays whole.
 * @returns undefined when the batch itself does not hold them
 */
export function partsByTenant(batch: EventBatch): EventBatch[] | undefined {
  return tenantsIn(batch) ?? (batch.combines && membersOf(batch).flatMap((member) => tenantsIn(member) ?? [member]));
}

/** What a batch combines, as it was before. */
function membersOf({ id: wholeId, rows, combines = [] }: EventBatch): EventBatch[] {
  let end = 0;
  return combines.map(({ id, events, bytes }) => {
    const start = end;
    end += bytes;
    return { id: derivedId(wholeId, `batch ${id}`), type: EVENTS_APART_V1, events, rows: rows.subarray(start, end) };
  });
}

function tenantsIn(batch: EventBatch): EventBatch[] | undefined {
  const events = encodedEvents(batch.rows);
  if (events === undefined || events.length === 0 || events.length !== batch.events) {
    return undefined;
  }
  const tenants = new Set(events.map(({ tenantId }) => tenantId));
  return [...tenants].map((tenant) => {
    const own = events.filter(({ tenantId }) => tenantId === tenant);
    return partOf(batch, `tenant ${tenant}`, own);
  });
}

/** @param events all of the batch, two at least */
export function halvesOf(batch: EventBatch, events: readonly EncodedEvent[]): EventBatch[] {
  const middle = Math.ceil(events.length / 2);
  return [
    partOf(batch, `rows 0-${middle}`, events.slice(0, middle)),
    partOf(batch, `rows ${middle}-${events.length}`, events.slice(middle)),
  ];
}

function partOf(batch: EventBatch, name: string, events: readonly EncodedEvent[]): EventBatch {
  return {
    id: derivedId(batch.id, name),
    type: EVENTS_APART_V1,
    events: events.length,
    rows: Buffer.concat(events.map(({ row }) => row)),
  };
}
