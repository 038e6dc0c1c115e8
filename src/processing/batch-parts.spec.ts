import { uuid7, uuid7Bytes, uuid7Time } from '../common/uuid7.js';
import { EVENTS_APART_V1, EVENTS_V1 } from '../transport/batch-types.js';
import { combineBatches } from '../transport/combining/combine-batches.js';
import type { EventBatch } from '../transport/event-batch.js';
import { encodedEvents } from '../warehouse/encoded-events.js';
import { EventRowEncoder } from '../warehouse/event-row.encoder.js';
import { halvesOf, partsByTenant } from './batch-parts.js';

function batchOf(...events: [tenantId: string, userId: string][]): EventBatch {
  const encoder = new EventRowEncoder();
  for (const [tenantId, userId] of events) {
    encoder.append({
      tenantId,
      id: uuid7Bytes(),
      eventType: 'page_viewed',
      userId,
      anonymousId: '',
      eventId: '',
      occurredAt: Date.now(),
      receivedAt: Date.now() * 1000,
      payload: Buffer.from('{}'),
    });
  }
  return { id: uuid7(), type: EVENTS_V1, events: events.length, rows: encoder.take() };
}
const usersOf = ({ rows }: EventBatch) => encodedEvents(rows)!.map(({ userId }) => userId);

describe('partsByTenant', () => {
  const mixed = batchOf(['acme', 'a1'], ['globex', 'g1'], ['acme', 'a2'], ['acme', 'a3']);

  it('should give each tenant its events, in their order, to be stored apart', () => {
    const parts = partsByTenant(mixed)!;
    expect(parts.map(usersOf)).toEqual([['a1', 'a2', 'a3'], ['g1']]);
    expect(parts.map(({ type, events }) => [type, events])).toEqual([
      [EVENTS_APART_V1, 3],
      [EVENTS_APART_V1, 1],
    ]);
  });

  it('should keep apart the one that cannot be read of those that a batch combines', () => {
    const [acme, globex] = [batchOf(['acme', 'a1'], ['globex', 'g1']), batchOf(['globex', 'g2'])];
    const unreadable = { ...batchOf(['acme', 'a2']), rows: Buffer.from('no rows') };
    const whole = combineBatches([acme, unreadable, globex]);
    const parts = partsByTenant(whole)!;
    expect(parts.map((part) => (encodedEvents(part.rows) ? usersOf(part) : Buffer.from(part.rows).toString()))).toEqual(
      [['a1'], ['g1'], 'no rows', ['g2']],
    );
    expect(parts.map(({ type, events }) => [type, events])).toEqual(parts.map(() => [EVENTS_APART_V1, 1]));
    expect(new Set(parts.map(({ id }) => id)).size).toBe(4);
    expect(partsByTenant(whole)).toEqual(parts);
  });

  it('should make the same parts again, under the same ids, which no other batch has', () => {
    expect(partsByTenant(mixed)).toEqual(partsByTenant(mixed));
    const ids = [mixed, { ...mixed, id: uuid7() }].flatMap((batch) => [
      batch.id,
      ...partsByTenant(batch)!.map(({ id }) => id),
    ]);
    expect(new Set(ids).size).toBe(6);
  });

  it('should keep the time at which the events were accepted', () => {
    for (const { id } of partsByTenant(mixed)!) {
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(uuid7Time(id)).toBe(uuid7Time(mixed.id));
    }
  });

  it('should not part what does not hold the rows that it says it does', () => {
    expect(partsByTenant({ ...mixed, events: 5 })).toBeUndefined();
    expect(partsByTenant({ ...mixed, rows: mixed.rows.subarray(0, -1) })).toBeUndefined();
    expect(partsByTenant({ ...mixed, events: 0, rows: Buffer.alloc(0) })).toBeUndefined();
  });
});

describe('halvesOf', () => {
  it.each([2, 3, 7, 500])('should divide %i events, down to each one, and lose none', (count) => {
    const batch = batchOf(...Array.from({ length: count }, (_, i): [string, string] => ['acme', `u${i}`]));
    const seen = new Set([batch.id]);
    let level = [batch];
    while (level.some(({ events }) => events > 1)) {
      level = level.flatMap((part) => (part.events > 1 ? halvesOf(part, encodedEvents(part.rows)!) : [part]));
      for (const { id } of level) seen.add(id);
      expect(level.flatMap(usersOf)).toEqual(usersOf(batch));
    }
    // Every batch that was divided has one id, every half of it another.
    expect(seen.size).toBe(2 * count - 1);
  });
});
