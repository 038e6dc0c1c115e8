import { uuid7, uuid7Bytes } from '../common/uuid7.js';
import { type EventBatch, EVENTS_V1 } from '../transport/event-batch.js';
import type { NewDeadLetter } from '../transport/dead-letters.js';
import { BatchRefusedError } from '../warehouse/warehouse.errors.js';
import { encodedEvents } from '../warehouse/event-row.reader.js';
import { EventRowEncoder } from '../warehouse/event-row.encoder.js';
import { Bisection } from './bisection.js';

const refusal = new BatchRefusedError('469', 'VIOLATED_CONSTRAINT');

/** One event of each tenant; tenants whose names start with `bad` are refused. */
const batchOf = (...tenants: string[]): EventBatch => {
  const encoder = new EventRowEncoder();
  for (const tenantId of tenants) {
    encoder.append({
      ...{ tenantId, id: uuid7Bytes(), eventType: 'page_viewed', userId: 'u-1', anonymousId: '', eventId: '' },
      ...{ occurredAt: Date.now(), receivedAt: Date.now() * 1000, payload: Buffer.from('{}') },
    });
  }
  return { id: uuid7(), type: EVENTS_V1, events: tenants.length, rows: encoder.take() };
};
const tenantsOf = (rows: Uint8Array) => encodedEvents(rows)!.map(({ tenantId }) => tenantId);
const flat = (found: ReadonlyMap<string, readonly NewDeadLetter[]>) => [...found.values()].flat();

describe('Bisection', () => {
  let stored: string[];
  let tries: number;
  let bisection: Bisection;

  beforeEach(() => {
    stored = [];
    tries = 0;
    bisection = new Bisection(({ rows }) => {
      tries++;
      const tenants = tenantsOf(rows);
      if (tenants.some((tenant) => tenant.startsWith('bad'))) return Promise.reject(refusal);
      stored.push(...tenants);
      return Promise.resolve();
    });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('should single out one bad row of many batches by a few tries, and store each other row once', async () => {
    const batches = Array.from({ length: 16 }, () => batchOf(...Array<string>(500).fill('good')));
    const bad = batchOf(...Array<string>(250).fill('good'), 'bad', ...Array<string>(249).fill('good'));
    batches.splice(5, 1, bad);
    const found = await bisection.run(batches, refusal);
    expect([...found.keys()]).toEqual([bad.id]);
    expect(flat(found)).toMatchObject([{ tenantId: 'bad', reason: refusal.message, batch: { events: 1 } }]);
    expect(stored).toHaveLength(16 * 500 - 1);
    // Two for each halving of 16 batches and of 500 rows.
    expect(tries).toBeLessThanOrEqual(2 * (4 + 9));
  });

  it('should find the same dead letters when batches come again, in other company too', async () => {
    const batch = batchOf('good', 'bad', 'good', 'bad-too');
    const first = await bisection.run([batch], refusal);
    const again = await bisection.run([batchOf('good'), batch, batchOf('good')], refusal);
    expect(again.get(batch.id)).toEqual(first.get(batch.id));
    expect(first.get(batch.id)).toHaveLength(2);
  });

  it('should leave a batch whole that does not hold the rows that it says', async () => {
    const batch = { ...batchOf('good', 'bad'), events: 3 };
    const unreadable = { ...batchOf('good'), rows: Buffer.from('no rows') };
    for (const whole of [batch, unreadable]) {
      const letter = { batch: whole, tenantId: undefined, reason: refusal.message };
      expect(await bisection.run([whole], refusal)).toEqual(new Map([[whole.id, [letter]]]));
    }
    expect(stored).toEqual([]);
  });

  it('should halve rows 600 times a minute, and then make one dead letter for each tenant of the rest', async () => {
    jest.useFakeTimers({ now: 0 });
    const flood = batchOf(...Array.from({ length: 2_000 }, (_, i) => `bad-${i % 2}`), 'good');
    const letters = flat(await bisection.run([flood], refusal));
    expect(letters.reduce((sum, { batch }) => sum + batch.events, 0)).toBe(2_000);
    for (const { batch, tenantId } of letters) expect(new Set(tenantsOf(batch.rows))).toEqual(new Set([tenantId]));
    expect(stored).toEqual(['good']);
    // Besides the halves, both tenants of what is left.
    expect(tries).toBeLessThanOrEqual(2 * 600 + 2 * 601);

    const eventsByLetter = async () => {
      const found = flat(await bisection.run([batchOf('bad-0', 'good', 'bad-0', 'bad-1')], refusal));
      return found.map(({ batch, tenantId }) => [tenantId, batch.events]);
    };
    expect(await eventsByLetter()).toEqual([
      ['bad-0', 2],
      ['bad-1', 1],
    ]);
    expect(stored).toEqual(['good', 'good']);
    jest.advanceTimersByTime(60_000);
    expect(await eventsByLetter()).toEqual([
      ['bad-0', 1],
      ['bad-0', 1],
      ['bad-1', 1],
    ]);
  });

  it('should end the search when ClickHouse goes away', async () => {
    const away = new Bisection(() => Promise.reject(new Error('away')));
    await expect(away.run([batchOf('good', 'bad')], refusal)).rejects.toThrow('away');
  });
});
