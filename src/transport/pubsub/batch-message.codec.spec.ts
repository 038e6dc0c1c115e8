import { randomBytes } from 'node:crypto';
import { uuid7 } from '../../common/uuid7.js';
import { BatchRejectedError } from '../event-transport.js';
import { decodeBatchMessage, encodeBatchMessage, MAX_DATA_BYTES } from './batch-message.codec.js';

const batchOf = (rows: Uint8Array) => ({ id: uuid7(), type: 'events.v1', events: 3, rows });
const TEN_MIB = 10 * 1024 * 1024;

describe('the message of a batch', () => {
  it('should hold the rows as they are while they fit', async () => {
    const rows = randomBytes(MAX_DATA_BYTES);
    const message = await encodeBatchMessage(batchOf(rows));
    expect(message.data.buffer).toBe(rows.buffer);
    expect(message.attributes).not.toHaveProperty('encoding');
  });

  it('should take the rows out of the middle of a buffer', async () => {
    const rows = Buffer.from('-rows-').subarray(1, 5);
    expect((await encodeBatchMessage(batchOf(rows))).data.toString()).toBe('rows');
  });

  it.each([
    ['printable ASCII', () => Buffer.from(randomBytes(TEN_MIB).map((byte) => 32 + (byte % 95)))],
    ['a body of nothing but quotes, each of which takes two bytes of its row', () => Buffer.alloc(2 * TEN_MIB, '\\"')],
    ['text of random three-byte characters', () => Buffer.from(randomText(TEN_MIB / 3))],
  ])('should fit whatever 10 MiB of text hold: %s', async (_what, make) => {
    const batch = batchOf(make());
    const message = await encodeBatchMessage(batch);
    expect(message.data.byteLength).toBeLessThanOrEqual(MAX_DATA_BYTES);
    const decoded = await decodeBatchMessage(message);
    expect({ ...decoded, rows: undefined }).toEqual({ ...batch, rows: undefined });
    expect(Buffer.compare(decoded!.rows, batch.rows)).toBe(0);
  });

  it('should be refused, with a remedy, when it cannot fit', async () => {
    const error: unknown = await encodeBatchMessage(batchOf(randomBytes(TEN_MIB))).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(BatchRejectedError);
    expect(String(error)).toMatch(/too large for Pub\/Sub.* Lower MAX_BODY_BYTES/);
  });

  const { id } = batchOf(Buffer.alloc(0));
  const good = { id, type: 'events.v1', events: '1' };
  it.each([
    ['no attributes', {}],
    ['no id', { ...good, id: '' }],
    ['an id that is none', { ...good, id: `${id}\n` }],
    ['no type', { ...good, type: '' }],
    ['no number of events', { id, type: 'events.v1' }],
    ['a number of events that is none', { ...good, events: '1e3' }],
    ['no events', { ...good, events: '0' }],
    ['an unknown encoding', { ...good, encoding: 'br' }],
    ['bytes that are not compressed', { ...good, encoding: 'gzip' }],
  ])('should not be taken for a batch with %s', async (_what, attributes) => {
    expect(await decodeBatchMessage({ data: Buffer.from('rows'), attributes })).toBeUndefined();
  });
});

function randomText(characters: number): string {
  const codes = new Uint16Array(randomBytes(2 * Math.floor(characters)).buffer.slice(0, 2 * Math.floor(characters)));
  // From U+4E00 on there are 20,992 characters of three bytes.
  return Array.from(codes, (code) => String.fromCharCode(0x4e00 + (code % 20_992))).join('');
}
