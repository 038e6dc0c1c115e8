import { uuid7Bytes } from '../common/uuid7.js';
import { encodedEvents } from './event-row.reader.js';
import { EventRowEncoder } from './event-row.encoder.js';

function rowsOf(...users: string[]): Buffer {
  const encoder = new EventRowEncoder();
  users.forEach((userId, index) => {
    encoder.append({
      tenantId: index % 2 === 0 ? 'acme' : 'globex',
      id: uuid7Bytes(),
      eventType: 'page_viewed',
      userId,
      anonymousId: 'a'.repeat(index * 40),
      eventId: '',
      occurredAt: -1,
      receivedAt: 1_790_000_000_000_000,
      payload: Buffer.alloc(index * 20_000, 'x'),
    });
  });
  return encoder.take();
}

describe('encodedEvents', () => {
  it('should find every row, whose it is, and all of its bytes', () => {
    const rows = rowsOf('u-1', 'ü'.repeat(100), '');
    const events = encodedEvents(rows)!;

    expect(events.map(({ tenantId, eventType, userId }) => [tenantId, eventType, userId])).toEqual([
      ['acme', 'page_viewed', 'u-1'],
      ['globex', 'page_viewed', 'ü'.repeat(100)],
      ['acme', 'page_viewed', ''],
    ]);
    expect(Buffer.concat(events.map(({ row }) => row)).equals(rows)).toBe(true);
  });

  it('should find them in a view of a larger buffer', () => {
    const rows = rowsOf('u-1', 'u-2');
    const view = Buffer.concat([Buffer.from('before'), rows, Buffer.from('after')]).subarray(6, 6 + rows.length);
    expect(encodedEvents(view)).toHaveLength(2);
  });

  it('should find none in nothing', () => {
    expect(encodedEvents(Buffer.alloc(0))).toEqual([]);
  });

  it('should call rows no rows when any of their ends is missing', () => {
    const rows = rowsOf('u-1');
    for (let length = 1; length < rows.length; length++) {
      expect(encodedEvents(rows.subarray(0, length))).toBeUndefined();
    }
  });

  it.each([
    ['text', Buffer.from('secret rows that are no rows')],
    ['zeros', Buffer.alloc(1_000)],
    ['lengths without end', Buffer.alloc(1_000, 0xff)],
    ['rows, then text', Buffer.concat([rowsOf('u-1'), Buffer.from('secret rows that are no rows')])],
  ])('should call %s no rows', (_, rows) => {
    expect(encodedEvents(rows)).toBeUndefined();
  });
});
