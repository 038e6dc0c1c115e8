import type { ClickHouseClient } from '@clickhouse/client';
import { type FreshDatabase, freshClickHouseDatabase } from '../../test/support/servers.js';
import { waitUntil } from '../../test/support/wait-until.js';
import { uuid7, uuid7Bytes } from '../common/uuid7.js';
import { toErrorRow } from '../errors/recorded-error.js';
import { ERRORS_V1, EVENTS_APART_V1, EVENTS_V1 } from '../transport/batch-types.js';
import type { EventBatch } from '../transport/event-batch.js';
import { createClickHouseClient } from '../warehouse/clickhouse.client.js';
import { encodeErrorRow } from '../warehouse/error-row.encoder.js';
import { LagStore } from '../warehouse/lag.store.js';
import { ErrorWriter } from '../warehouse/error.writer.js';
import { EventRowEncoder } from '../warehouse/event-row.encoder.js';
import { EventWriter } from '../warehouse/event.writer.js';
import { Migrator } from '../warehouse/migrator.js';
import { recentErrors } from '../warehouse/queries/recent-errors.query.js';
import { DeadLetterRecorder } from './dead-letter.recorder.js';
import { ErrorStorage } from './error.storage.js';
import { LagRecorder } from './lag.recorder.js';
import { ErrorsProcessor } from './errors.processor.js';
import { EventsApartProcessor } from './events-apart.processor.js';
import { EventsProcessor } from './events.processor.js';
import { SplitAllowance } from './split.allowance.js';

describe('The processors of batches', () => {
  let database: FreshDatabase;
  let client: ClickHouseClient;
  let storage: ErrorStorage;
  let events: EventsProcessor;
  let apart: EventsApartProcessor;
  let errors: ErrorsProcessor;

  beforeEach(async () => {
    database = await freshClickHouseDatabase();
    client = createClickHouseClient(database.url, 8);
    await new Migrator(client, database.url).migrate();
    storage = new ErrorStorage(new ErrorWriter(client));
    const lag = new LagRecorder(new LagStore(client));
    events = new EventsProcessor(new EventWriter(client), new DeadLetterRecorder(storage), lag);
    apart = new EventsApartProcessor(
      new EventWriter(client),
      new DeadLetterRecorder(storage),
      new SplitAllowance(),
      lag,
    );
    errors = new ErrorsProcessor(storage);
  });

  afterEach(async () => {
    events.stopWaiting(0);
    apart.stopWaiting(0);
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
  const errorsOf = (tenantId: string) => recentErrors(client, tenantId, 100);
  const rename = (from: string, to: string) => client.command({ query: `RENAME TABLE ${from} TO ${to}` });

  it('should store recorded errors, once for each batch', async () => {
    const batch = errorBatch('user_id is required.');

    expect(await errors.store(batch)).toEqual({ kind: 'stored' });
    expect(await errors.store(batch)).toEqual({ kind: 'stored' });
    expect((await errorsOf('acme')).map(({ detail }) => detail)).toEqual(['user_id is required.']);
  });

  it('should give up recorded errors that ClickHouse cannot read', async () => {
    const batch = { ...errorBatch(''), rows: Buffer.from('no rows') };

    expect(await errors.store(batch)).toEqual({ kind: 'dead-letter', reason: expect.any(String) });
  });

  it('should tell each tenant of a batch of events that goes to the dead letters, once', async () => {
    const batch = cutOff(eventBatch('acme', 'globex', 'acme', 'globex', 'acme'));
    const outcome = await events.store(batch);
    expect(outcome).toEqual({ kind: 'dead-letter', reason: expect.stringContaining('CANNOT_READ_ALL_DATA') });
    expect(await events.store(batch)).toEqual(outcome);

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
    await events.store({ ...batch, events: 9, rows: Buffer.concat([batch.rows, Buffer.alloc(10, 0xff)]) });

    const [error] = await errorsOf('acme');
    expect(error!.detail).toContain('among the dead letters: at least 2. ');
  });

  it('should put a batch among the dead letters even if it cannot be told whose it is', async () => {
    const batch = { ...eventBatch('acme'), rows: Buffer.from('secret rows that are no rows') };

    expect(await events.store(batch)).toMatchObject({ kind: 'dead-letter' });
  });

  describe('of events that a constraint refuses', () => {
    beforeEach(async () => {
      await client.command({ query: "ALTER TABLE events ADD CONSTRAINT no_globex CHECK tenant_id != 'globex'" });
    });
    const apartBatch = (...tenants: string[]): EventBatch => ({ ...eventBatch(...tenants), type: EVENTS_APART_V1 });
    const rowsOf = async () => {
      const result = await client.query({ query: 'SELECT tenant_id FROM events', format: 'JSONEachRow' });
      return (await result.json<{ tenant_id: string }>()).map((row) => row.tenant_id);
    };

    it('should part the tenants, and store nothing before the queue knows the parts', async () => {
      const batch = eventBatch('acme', 'globex', 'acme');
      const outcome = await events.store(batch);
      expect(outcome).toEqual({
        kind: 'split',
        parts: [
          expect.objectContaining({ type: EVENTS_APART_V1, events: 2 }),
          expect.objectContaining({ type: EVENTS_APART_V1, events: 1 }),
        ],
      });
      expect(await events.store(batch)).toEqual(outcome);
      expect([await rowsOf(), await errorsOf('globex')]).toEqual([[], []]);
    });

    it('should set even one tenant’s events apart first: another batch in the same insert may have been at fault', async () => {
      const outcome = await events.store(eventBatch('globex'));
      expect(outcome).toMatchObject({ kind: 'split', parts: [{ type: EVENTS_APART_V1, events: 1 }] });
    });

    it('should store events apart once, however often they come', async () => {
      const batch = apartBatch('acme', 'acme');
      for (let i = 0; i < 3; i++) expect(await apart.store(batch)).toEqual({ kind: 'stored' });
      expect(await rowsOf()).toEqual(['acme', 'acme']);
    });

    it('should halve events apart, down to the one that is a dead letter of its tenant', async () => {
      const outcome = await apart.store(apartBatch('globex', 'globex', 'globex'));
      expect(outcome).toMatchObject({ kind: 'split', parts: [{ events: 2 }, { events: 1 }] });

      const batch = apartBatch('globex');
      const reason = 'ClickHouse cannot read the rows of this batch: VIOLATED_CONSTRAINT (469)';
      expect(await apart.store(batch)).toEqual({ kind: 'dead-letter', reason, tenantId: 'globex' });
      expect(await apart.store(batch)).toMatchObject({ kind: 'dead-letter' });
      const told = { id: batch.id, detail: expect.stringContaining(': 1. '), eventType: 'page_viewed', userId: 'u-1' };
      expect(await errorsOf('globex')).toEqual([expect.objectContaining(told)]);
    });

    it('should stop to halve after 600 times in a minute, and keep what is left together', async () => {
      const batch = apartBatch('globex', 'globex');
      const kinds: string[] = [];
      while (kinds.length < 601) kinds.push((await apart.store(batch)).kind);
      expect(new Set(kinds.slice(0, 600))).toEqual(new Set(['split']));
      expect(kinds[600]).toBe('dead-letter');
      expect(await errorsOf('globex')).toEqual([expect.objectContaining({ detail: expect.stringContaining(': 2. ') })]);
    });
  });

  it('should wait with one batch of errors while they cannot be stored, hand others back, and still store events', async () => {
    await rename('ingestion_errors', 'away');
    const handedBack = 'handed back';
    const outcomes = ['one', 'another'].map((detail) =>
      errors.store(errorBatch(detail)).then(
        () => detail,
        () => handedBack,
      ),
    );
    expect(await Promise.race(outcomes)).toBe(handedBack);
    expect(await events.store(eventBatch('acme'))).toEqual({ kind: 'stored' });
    await rename('away', 'ingestion_errors');

    const stored = (await Promise.all(outcomes)).filter((outcome) => outcome !== handedBack);
    expect(stored).toHaveLength(1);
    expect((await errorsOf('acme')).map(({ detail }) => detail)).toEqual(stored);
  });

  it('should hold every batch of events in hand while they cannot be stored', async () => {
    await rename('events', 'away');
    const inserts = jest.spyOn(client, 'exec');
    const stored = Promise.all(Array.from({ length: 5 }, () => events.store(eventBatch('acme'))));
    await waitUntil(() => inserts.mock.calls.length >= 10);
    await rename('away', 'events');

    expect(await stored).toEqual(Array.from({ length: 5 }, () => ({ kind: 'stored' })));
  });

  it('should hand batches back that wait when the process stops', async () => {
    await rename('ingestion_errors', 'away');
    await rename('events', 'away_too');
    const inserts = jest.spyOn(client, 'exec');
    const outcomes = [errors.store(errorBatch('')), events.store(eventBatch('acme'))].map((outcome) =>
      outcome.catch((error: unknown) => (error as Error).name),
    );
    await waitUntil(() => inserts.mock.calls.length >= 4);
    events.stopWaiting(0);
    storage.stopWaiting(0);

    expect(await Promise.all(outcomes)).toEqual(['AbortError', 'AbortError']);
  });
});
