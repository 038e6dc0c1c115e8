import * as fc from 'fast-check';
import { encodedEvents, eventsByTenant } from '../../src/warehouse/event-row.reader.js';
import type { EventRow } from '../../src/warehouse/event-row.js';
import { EventRowEncoder } from '../../src/warehouse/event-row.encoder.js';
import { holds } from './holds.js';

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme-ascii', maxLength: 300 }),
);
const row = fc.record({
  tenantId: fc.stringMatching(/^[a-z0-9-]{1,63}$/),
  id: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  eventType: text,
  userId: text,
  anonymousId: text,
  eventId: text,
  occurredAt: fc.maxSafeInteger(),
  receivedAt: fc.maxSafeInteger(),
  payload: fc.uint8Array({ maxLength: 20_000, size: 'max' }),
});
const rows = fc.array(row, { maxLength: 6 });

function encode(events: readonly EventRow[]): Buffer {
  const encoder = new EventRowEncoder();
  for (const event of events) encoder.append(event);
  return encoder.take();
}

describe('rows on their way, whatever they hold', () => {
  it('should be found again, each whole and whose it is', () =>
    holds(rows, 300, (events) => {
      const bytes = encode(events);
      const found = encodedEvents(bytes);
      expect(found?.map(({ tenantId, eventType, userId }) => [tenantId, eventType, userId])).toEqual(
        events.map(({ tenantId, eventType, userId }) => [tenantId, eventType.toWellFormed(), userId.toWellFormed()]),
      );
      expect(Buffer.concat(found?.map((event) => event.row) ?? []).equals(bytes)).toBe(true);
      expect([...eventsByTenant(bytes).values()].reduce((sum, count) => sum + count, 0)).toBe(events.length);
    }));

  it('should be read without a fault where the bytes are none, or damaged', () =>
    holds(
      fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.tuple(rows, fc.nat(), fc.integer({ min: 0, max: 255 })).map(([events, at, byte]) => {
          const bytes = encode(events);
          if (bytes.length > 0) bytes[at % bytes.length] = byte;
          return bytes;
        }),
      ),
      500,
      (bytes) => {
        const found = encodedEvents(bytes);
        if (found !== undefined) expect(Buffer.concat(found.map((event) => event.row)).equals(bytes)).toBe(true);
        eventsByTenant(bytes);
      },
    ));
});
