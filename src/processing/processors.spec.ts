import type { ClickHouseClient } from '@clickhouse/client';
import { type FreshDatabase, freshClickHouseDatabase } from '../../test/support/servers.js';
import { Registry } from 'prom-client';
import { waitUntil } from '../../test/support/wait-until.js';
import { uuid7, uuid7Bytes, withVersion } from '../common/uuid7.js';
import { toErrorRow } from '../errors/recorded-error.js';
import { ERRORS_V1, type EventBatch, EVENTS_V1 } from '../transport/event-batch.js';
import { type BatchOutcome, STORED } from '../transport/event-transport.js';
import { BatchMetrics } from '../metrics/worker.metrics.js';
import { createClickHouseClient } from '../warehouse/clickhouse.client.js';
import { encodeErrorRow, ErrorWriter } from '../warehouse/error.writer.js';
import { LagStore } from '../warehouse/lag.store.js';
import { EventRowEncoder } from '../warehouse/event-row.encoder.js';
import { EventWriter } from '../warehouse/event.writer.js';
import { Migrator } from '../warehouse/migrator.js';
import { recentErrors } from '../warehouse/queries/recent-errors.query.js';
import { DeadLetterRecorder } from './dead-letter.recorder.js';
import { ErrorsProcessor, ErrorStorage } from './errors.processor.js';
import { LagRecorder } from './lag.recorder.js';
import { EventsProcessor } from './events.processor.js';

describe('The processors of batches', () => {
  let database: FreshDatabase;
  let client: ClickHouseClient;
  let storage: ErrorStorage;
  let events: EventsProcessor;
  let errors: ErrorsProcessor;

  beforeEach(async () => {
    database = await freshClickHouseDatabase();
    client = createClickHouseClient(database.url, 8);
    await new Migrator(client, database.url).migrate();
    storage = new ErrorStorage(new ErrorWriter(client));
    const lag = new LagRecorder(new LagStore(client));
    events = new EventsProcessor(
      new EventWriter(client),
      new DeadLetterRecorder(storage),
      lag,
      new BatchMetrics(new Registry()),
      { workerConcurrency: 32 },
    );
    errors = new ErrorsProcessor(storage);
  });

  afterEach(async () => {
    events.stopWaiting(0);
    storage.stopWaiting(0);
    await client.close();
    await database.drop();
  });

  const eventBatch = (...tenants: string[]): EventBatch => {
    const encoder = new EventRowEncoder();
    for (const tenantId of tenants) {
      encoder.append({
        tenantId,
        id: uuid7Bytes(),
        eventType: 'page_viewed',
        userId: 'u-1',
        anonymousId: '',
        eventId: '',
        occurredAt: Date.now(),
        receivedAt: Date.now() * 1000,
        payload: Buffer.from('{"secret":"of the payload"}'),
      });
    }
    return { id: uuid7(), type: EVENTS_V1, events: tenants.length, rows: encoder.take() };
  };
  const errorBatch = (detail: string): EventBatch => {
    const line = encodeErrorRow(
      toErrorRow({ tenantId: 'acme', ts: Date.now(), errorType: 'validation_failed', source: 'track', detail }),
    );
    return { id: uuid7(), type: ERRORS_V1, events: 1, rows: Buffer.from(line) };
  };
  /** Rows that ClickHouse refuses: the last of them lacks its end. */
  const cutOff = (batch: EventBatch): EventBatch => ({ ...batch, rows: batch.rows.subarray(0, -5) });
  const store = (batch: EventBatch, isFirst = true): Promise<BatchOutcome> => events.store({ batch, isFirst });
  const storeErrors = (batch: EventBatch): Promise<BatchOutcome> => errors.store({ batch, isFirst: true });
  const errorsOf = (tenantId: string) => recentErrors(client, tenantId, 100);
  const rename = (from: string, to: string) => client.command({ query: `RENAME TABLE ${from} TO ${to}` });

  it('should store recorded errors, once for each batch', async () => {
    const batch = errorBatch('user_id is required.');

    expect(await storeErrors(batch)).toEqual(STORED);
    expect(await storeErrors(batch)).toEqual(STORED);
    expect((await errorsOf('acme')).map(({ detail }) => detail)).toEqual(['user_id is required.']);
  });

  it('should give up recorded errors that ClickHouse cannot read', async () => {
    const batch = { ...errorBatch(''), rows: Buffer.from('no rows') };

    expect(await storeErrors(batch)).toEqual({
      deadLetters: [{ batch, tenantId: undefined, reason: expect.any(String) }],
    });
  });

  it('should tell each tenant of a batch of events that goes to the dead letters, once', async () => {
    const batch = cutOff(eventBatch('acme', 'globex', 'acme', 'globex', 'acme'));
    const outcome = await store(batch);
    const reason = expect.stringContaining('CANNOT_READ_ALL_DATA') as string;
    expect(outcome).toEqual({ deadLetters: [{ batch, tenantId: undefined, reason }] });
    expect(await store(batch)).toEqual(outcome);

    const told = {
      id: batch.id,
      errorType: 'dead_letter',
      source: 'worker',
      detail:
        'Events not stored, and kept among the dead letters: 3. ' +
        'ClickHouse cannot read the rows of this batch: CANNOT_READ_ALL_DATA (33)',
    };
    expect(await errorsOf('acme')).toEqual([expect.objectContaining(told)]);
    expect(await errorsOf('globex')).toEqual([
      expect.objectContaining({ ...told, detail: told.detail.replace(': 3.', ': 2.') }),
    ]);
  });

  it('should say "at least" when not all events of a dead letter can be told apart', async () => {
    const batch = eventBatch('acme', 'acme');
    await store({ ...batch, events: 9, rows: Buffer.concat([batch.rows, Buffer.alloc(10, 0xff)]) });

    const [error] = await errorsOf('acme');
    expect(error!.detail).toContain('among the dead letters: at least 2. ');
  });

  it('should put a batch among the dead letters even if it cannot be told whose it is', async () => {
    const batch = { ...eventBatch('acme'), rows: Buffer.from('secret rows that are no rows') };

    expect(await store(batch)).toMatchObject({ deadLetters: [{ batch, tenantId: undefined }] });
  });

  describe('of events that a constraint refuses', () => {
    beforeEach(async () => {
      await client.command({ query: "ALTER TABLE events ADD CONSTRAINT no_globex CHECK tenant_id != 'globex'" });
    });
    const rowsOf = async () => {
      const result = await client.query({ query: 'SELECT tenant_id FROM events', format: 'JSONEachRow' });
      return (await result.json<{ tenant_id: string }>()).map((row) => row.tenant_id).sort();
    };
    const reason = 'ClickHouse cannot read the rows of this batch: VIOLATED_CONSTRAINT (469)';

    it('should store all others, and make of each a dead letter of its tenant, the same each time', async () => {
      const batch = eventBatch('acme', 'globex', 'acme', 'initech', 'globex');
      const outcome = await store(batch);
      expect(outcome.deadLetters).toEqual(
        Array(2).fill({ batch: expect.objectContaining({ events: 1 }) as EventBatch, tenantId: 'globex', reason }),
      );
      expect(await store(batch, false)).toEqual(outcome);
      expect(await rowsOf()).toEqual(['acme', 'acme', 'initech']);
      const ids = outcome.deadLetters.map(({ batch: { id } }) => id);
      expect(new Set(ids).size).toBe(2);
      const told = { detail: expect.stringContaining(': 1. '), eventType: 'page_viewed', userId: 'u-1' };
      expect((await errorsOf('globex')).map(({ id }) => id).sort()).toEqual(ids.sort());
      expect(await errorsOf('globex')).toEqual(Array(2).fill(expect.objectContaining(told)));
      expect(await errorsOf('acme')).toEqual([]);
    });

    it('should cost none of the batches that are stored with theirs, nor those that cannot be read', async () => {
      const unreadable = { ...eventBatch('acme'), rows: Buffer.from('no rows') };
      const bad = eventBatch('globex');
      const good = Array.from({ length: 6 }, () => eventBatch('acme'));
      // The first goes at once; all others wait for it, and are one insert.
      const outcomes = await Promise.all(
        [...good.slice(0, 4), bad, unreadable, ...good.slice(4)].map((batch) => store(batch)),
      );
      expect(outcomes.filter(({ deadLetters }) => deadLetters.length > 0)).toEqual([
        { deadLetters: [{ batch: bad, tenantId: 'globex', reason }] },
        { deadLetters: [expect.objectContaining({ batch: unreadable, tenantId: undefined })] },
      ]);
      expect(await rowsOf()).toEqual(good.map(() => 'acme'));
    });

    it('should be the same dead letter when it is replayed and refused again', async () => {
      const { deadLetters } = await store(eventBatch('acme', 'globex'));
      expect(await store({ ...deadLetters[0]!.batch, mayBeRepeated: true }, false)).toMatchObject({
        deadLetters: [{ batch: { id: deadLetters[0]!.batch.id } }],
      });
    });
  });

  describe('of events that come together', () => {
    const inserts = () => jest.spyOn(client, 'exec');
    const stored = async () => {
      const result = await client.query({
        query: 'SELECT user_id, may_have_copies FROM events ORDER BY user_id',
        format: 'JSONCompactEachRow',
      });
      return result.json();
    };
    /** One event with an id of this UUID version. */
    const batchOf = (userId: string, version: 7 | 8 = 7): EventBatch => {
      const encoder = new EventRowEncoder();
      encoder.append({
        ...{ tenantId: 'acme', id: withVersion(uuid7Bytes(), version), eventType: 'page_viewed', userId },
        ...{ anonymousId: '', eventId: '', occurredAt: Date.now(), receivedAt: Date.now() * 1000 },
        payload: Buffer.from('{}'),
      });
      return { id: uuid7(), type: EVENTS_V1, events: 1, rows: encoder.take() };
    };

    it('should store many batches by few inserts, each once, and again nothing of the same ones together', async () => {
      const exec = inserts();
      const batches = Array.from({ length: 60 }, (_, i) => batchOf(`u-${i}`));
      const all = () => Promise.all(batches.map((batch) => store(batch)));
      expect(await all()).toEqual(batches.map(() => STORED));
      expect(exec.mock.calls.length).toBeLessThan(10);
      expect(await stored()).toHaveLength(60);
    });

    it('should say which rows cannot have copies: those with a fresh id, of a first delivery, at the first try', async () => {
      await store(batchOf('a-first'));
      await store(batchOf('b-again'), false);
      await store(batchOf('c-keyed', 8));
      const exec = client.exec.bind(client);
      let isLost = true;
      inserts().mockImplementation(async (...args) => {
        const answer = await exec(...args);
        if (isLost) {
          isLost = false;
          throw new Error('the answer was lost');
        }
        return answer;
      });
      await client.command({ query: 'ALTER TABLE events MODIFY SETTING non_replicated_deduplication_window = 0' });
      await store(batchOf('d-tried-twice'));
      expect(await stored()).toEqual([
        ['a-first', 0],
        ['b-again', 1],
        ['c-keyed', 1],
        ['d-tried-twice', 0],
        ['d-tried-twice', 1],
      ]);
    });

    it('should store first deliveries apart from those that may be repeated', async () => {
      const exec = inserts();
      await Promise.all(
        Array.from({ length: 20 }, (_, i) => store(batchOf(`u-${String(i).padStart(2, '0')}`), i % 2 === 0)),
      );
      expect(await stored()).toEqual(Array.from({ length: 20 }, (_, i) => [`u-${String(i).padStart(2, '0')}`, i % 2]));
      expect(exec.mock.calls.length).toBeLessThan(6);
    });
  });

  it('should wait with one batch of errors while they cannot be stored, hand others back, and still store events', async () => {
    await rename('ingestion_errors', 'away');
    const handedBack = 'handed back';
    const outcomes = ['one', 'another'].map((detail) =>
      storeErrors(errorBatch(detail)).then(
        () => detail,
        () => handedBack,
      ),
    );
    expect(await Promise.race(outcomes)).toBe(handedBack);
    expect(await store(eventBatch('acme'))).toEqual(STORED);
    await rename('away', 'ingestion_errors');

    const stored = (await Promise.all(outcomes)).filter((outcome) => outcome !== handedBack);
    expect(stored).toHaveLength(1);
    expect((await errorsOf('acme')).map(({ detail }) => detail)).toEqual(stored);
  });

  it('should hold every batch of events in hand while they cannot be stored', async () => {
    await rename('events', 'away');
    const inserts = jest.spyOn(client, 'exec');
    const stored = Promise.all(Array.from({ length: 5 }, () => store(eventBatch('acme'))));
    await waitUntil(() => inserts.mock.calls.length >= 10);
    await rename('away', 'events');

    expect(await stored).toEqual(Array.from({ length: 5 }, () => STORED));
  });

  it('should hand batches back that wait when the process stops', async () => {
    await rename('ingestion_errors', 'away');
    await rename('events', 'away_too');
    const inserts = jest.spyOn(client, 'exec');
    const outcomes = [storeErrors(errorBatch('')), store(eventBatch('acme'))].map((outcome) =>
      outcome.catch((error: unknown) => (error as Error).name),
    );
    await waitUntil(() => inserts.mock.calls.length >= 4);
    events.stopWaiting(0);
    storage.stopWaiting(0);

    expect(await Promise.all(outcomes)).toEqual(['AbortError', 'AbortError']);
  });
});
