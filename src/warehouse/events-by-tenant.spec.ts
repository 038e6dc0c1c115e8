import { uuid7Bytes } from '../common/uuid7.js';
import { EventRowEncoder } from './event-row.encoder.js';
import { eventsByTenant } from './event-row.reader.js';

function rowsOf(...tenants: string[]): Buffer {
  const encoder = new EventRowEncoder();
  tenants.forEach((tenantId, index) => {
    encoder.append({
      tenantId,
      id: uuid7Bytes(),
      eventType: 'page_viewed',
      userId: 'ü'.repeat(index * 50),
      anonymousId: index % 2 === 0 ? '' : 'a-1',
      eventId: 'e'.repeat(index),
      occurredAt: -1,
      receivedAt: 1_790_000_000_000_000,
      payload: Buffer.alloc(index * 20_000, 'x'),
    });
  });
  return encoder.take();
}

const counted = (rows: Uint8Array) => Object.fromEntries(eventsByTenant(rows));

describe('eventsByTenant', () => {
  it('should count the events of each tenant', () => {
    expect(counted(rowsOf('acme', 'globex', 'acme', 'a-1', 'acme'))).toEqual({ acme: 3, globex: 1, 'a-1': 1 });
  });

  it('should count a last row that was cut off after its tenant', () => {
    const rows = rowsOf('acme', 'globex');
    for (let cut = 1; cut < rows.length - rowsOf('acme').length - 'globex'.length; cut += 7) {
      expect(counted(rows.subarray(0, rows.length - cut))).toEqual({ acme: 1, globex: 1 });
    }
  });

  it('should stop where bytes are no rows', () => {
    const rows = Buffer.concat([rowsOf('acme', 'globex'), Buffer.from('secret rows that are no rows')]);
    expect(counted(rows)).toEqual({ acme: 1, globex: 1 });
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('secret rows that are no rows')],
    ['zeros', Buffer.alloc(1_000)],
    ['lengths without end', Buffer.alloc(1_000, 0xff)],
    ['a tenant with a name that is none', rowsOf('Not A Slug')],
    ['a tenant that is cut off', rowsOf('acme').subarray(0, 3)],
  ])('should find nobody in %s', (_, rows) => {
    expect(counted(rows)).toEqual({});
  });
});
