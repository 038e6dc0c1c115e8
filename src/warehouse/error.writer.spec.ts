import type { ClickHouseClient } from '@clickhouse/client';
import { type FreshDatabase, freshClickHouseDatabase } from '../../test/support/servers.js';
import { uuid7 } from '../common/uuid7.js';
import { BatchRefusedError } from './warehouse.errors.js';
import { createClickHouseClient } from './clickhouse.client.js';
import { encodeErrorRow, type ErrorRow, ErrorWriter } from './error.writer.js';
import { Migrator } from './migrator.js';
import { recentErrors } from './queries/recent-errors.query.js';

const NOW = Date.now();
const DAY_MS = 86_400_000;

describe('Recorded errors in ClickHouse', () => {
  let database: FreshDatabase;
  let client: ClickHouseClient;
  let writer: ErrorWriter;

  beforeEach(async () => {
    database = await freshClickHouseDatabase();
    client = createClickHouseClient(database.url, 8);
    writer = new ErrorWriter(client);
    await new Migrator(client, database.url).migrate();
  });

  afterEach(async () => {
    await client.close();
    await database.drop();
  });

  const errorRow = (changes: Partial<ErrorRow> = {}): ErrorRow => ({
    tenantId: 'acme',
    id: uuid7(),
    ts: NOW,
    errorType: 'validation_failed',
    source: 'batch',
    detail: 'user_id is required.',
    eventType: 'page_viewed',
    userId: 'u-1',
    requestId: 'r-1',
    ...changes,
  });
  const rowsOf = (rows: readonly ErrorRow[]) => Buffer.from(rows.map(encodeErrorRow).join(''));
  const store = (...rows: ErrorRow[]) => writer.store({ id: uuid7(), rows: rowsOf(rows) });
  const details = async (tenantId = 'acme', limit = 100) =>
    (await recentErrors(client, tenantId, limit)).map(({ detail }) => detail);

  it('should come back value for value', async () => {
    const rows = [
      errorRow({ ts: NOW, detail: 'quotes " \' and \\ back\\slashes, {json: [1]}, \u2028, 日本 😀' }),
      errorRow({ ts: NOW - 1, eventType: '', userId: '', requestId: '', source: 'worker', errorType: 'dead_letter' }),
      errorRow({ ts: NOW - DAY_MS + 999, detail: '' }),
    ];
    await store(...rows);

    expect(await recentErrors(client, 'acme', 10)).toEqual(rows);
  });

  it('should be read newest first across days and batches, by tenant, up to the limit', async () => {
    for (const day of [3, 0, 20, 1]) {
      await store(
        errorRow({ ts: NOW - day * DAY_MS - 1, detail: `${day} days ago, before` }),
        errorRow({ ts: NOW - day * DAY_MS, detail: `${day} days ago` }),
        errorRow({ ts: NOW - day * DAY_MS, tenantId: 'globex', detail: 'not yours' }),
      );
    }

    expect(await details()).toEqual([0, 1, 3, 20].flatMap((day) => [`${day} days ago`, `${day} days ago, before`]));
    expect(await details('acme', 3)).toEqual(['0 days ago', '0 days ago, before', '1 days ago']);
    expect(await details('nobody')).toEqual([]);
  });

  it('should be stored once, however often and concurrently a batch is sent among others', async () => {
    const batches = Array.from({ length: 4 }, () => ({ id: uuid7(), rows: rowsOf([errorRow(), errorRow()]) }));
    await Promise.all([...batches, ...batches, ...batches].map((batch) => writer.store(batch)));
    for (const batch of batches) await writer.store(batch);

    expect(await details()).toHaveLength(8);
  });

  it.each([
    ['no JSON', 'secret, and no JSON\n'],
    ['cut off', encodeErrorRow(errorRow({ detail: 'secret' })).slice(0, -20)],
    ['of a time that is none', encodeErrorRow(errorRow({ ts: NaN, detail: 'secret' }))],
    ['of an id that is none', encodeErrorRow(errorRow({ id: 'secret' }))],
  ])('should be refused for good when they are %s, with nothing of them quoted', async (_, line) => {
    const failure = await writer.store({ id: uuid7(), rows: Buffer.from(line) }).catch((error: unknown) => error);

    expect(failure).toBeInstanceOf(BatchRefusedError);
    expect(String(failure)).not.toContain('secret');
    expect(await details()).toEqual([]);
  });

  it('should be left for later when the table is missing', async () => {
    await client.command({ query: 'DROP TABLE ingestion_errors SYNC' });
    const failure = await store(errorRow()).catch((error: unknown) => error);

    expect(failure).not.toBeInstanceOf(BatchRefusedError);
    expect(failure).toMatchObject({ message: 'ClickHouse did not store the batch: UNKNOWN_TABLE (60)' });
  });

  it('should be dropped after 30 days', async () => {
    await store(errorRow({ ts: NOW - 29 * DAY_MS, detail: 'young' }));
    await store(errorRow({ ts: NOW - 32 * DAY_MS, detail: 'old' }));
    await client.command({ query: 'OPTIMIZE TABLE ingestion_errors FINAL' });

    expect(await details()).toEqual(['young']);
  });
});
