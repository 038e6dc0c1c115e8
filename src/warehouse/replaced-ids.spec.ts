import { uuid7Bytes } from '../common/uuid7.js';
import type { EventRow } from './event-row.js';
import { EventRowEncoder } from './event-row.encoder.js';
import { replaceIds } from './event-row.reader.js';

const row = (eventId: string, more: Partial<EventRow> = {}): EventRow => ({
  tenantId: 'acme',
  id: uuid7Bytes(),
  eventType: 'page_viewed',
  userId: 'ü'.repeat(200),
  anonymousId: 'a'.repeat(130),
  eventId,
  occurredAt: -1,
  receivedAt: 1_790_000_000_000_000,
  payload: Buffer.alloc(20_000, 'x'),
  ...more,
});

function encode(rows: readonly EventRow[]): Buffer {
  const encoder = new EventRowEncoder();
  for (const each of rows) encoder.append(each);
  return encoder.take();
}

describe('replaceIds', () => {
  it('should replace the ids of events without an event_id, and leave every other byte', () => {
    const before = [row(''), row('order-1'), row('', { anonymousId: '', payload: Buffer.from('{}') })];
    const rows = encode(before);
    const told: Uint8Array[] = [];
    const other = Uint8Array.from({ length: 16 }, (_, i) => i + 1);
    replaceIds(rows, (id) => {
      told.push(id);
      return other;
    });
    expect(told.map((id) => [...id])).toEqual([[...before[0]!.id], [...before[2]!.id]]);
    const after = before.map((each) => (each.eventId === '' ? { ...each, id: other } : each));
    expect(rows.equals(encode(after))).toBe(true);
  });

  it('should find nothing to replace in no rows', () => {
    replaceIds(Buffer.alloc(0), () => {
      throw new Error('asked');
    });
  });
});
