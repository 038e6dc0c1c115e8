import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { type FreshDatabase, freshClickHouseDatabase } from '../../test/support/servers.js';
import { storeRows } from '../../test/support/stored-rows.js';
import { formatUuid, uuid7Bytes, withVersion } from '../common/uuid7.js';
import { createClickHouseClient } from './clickhouse.client.js';
import { Migrator } from './migrator.js';

const MIGRATIONS = join(__dirname, 'migrations');

describe('0009_may_have_copies', () => {
  let database: FreshDatabase;
  let client: ClickHouseClient;

  beforeEach(async () => {
    database = await freshClickHouseDatabase();
    client = createClickHouseClient(database.url, 4);
  });
  afterEach(async () => {
    await client.close();
    await database.drop();
  });

  /** Brings the schema to that of the build whose last migration has this number. */
  const migrateTo = async (version: number) => {
    const folder = await mkdtemp(join(tmpdir(), 'segops-migrations-'));
    const files = (await readdir(MIGRATIONS)).filter((file) => Number(file.slice(0, 4)) <= version);
    for (const file of files) await cp(join(MIGRATIONS, file), join(folder, file));
    await new Migrator(client, database.url, folder).migrate();
    await rm(folder, { recursive: true });
  };
  /** As a build does that does not know the column. */
  const store = async (userId: string) => {
    const ids = [uuid7Bytes(), withVersion(uuid7Bytes(), 8)].map(formatUuid);
    await client.insert({
      table: 'events',
      columns: ['tenant_id', 'event_type', 'user_id', 'id'],
      values: [
        ['acme', 'without a key', userId, ids[0]],
        ['acme', 'with a key', userId, ids[1]],
      ],
      format: 'JSONCompactEachRow',
    });
  };
  const flags = async () => {
    const result = await client.query({
      query: 'SELECT user_id, event_type, may_have_copies FROM events ORDER BY user_id, event_type',
      format: 'JSONCompactEachRow',
    });
    return result.json();
  };

  it('should tell rows that were stored before, and since by an older build, by their ids', async () => {
    await migrateTo(8);
    await store('before');
    await new Migrator(client, database.url).migrate();
    await store('since');
    const all = [
      ['before', 'with a key', 1],
      ['before', 'without a key', 0],
      ['since', 'with a key', 1],
      ['since', 'without a key', 0],
    ];
    expect(await flags()).toEqual(all);
    await client.command({ query: 'OPTIMIZE TABLE events FINAL' });
    expect(await flags()).toEqual(all);
  });

  it('should keep what a row says of itself', async () => {
    await new Migrator(client, database.url).migrate();
    await client.command({
      query: `INSERT INTO events (tenant_id, user_id, id, may_have_copies)
              SELECT 'acme', 'taken over', generateUUIDv7(), 1 UNION ALL SELECT 'acme', 'first', generateUUIDv7(), 0`,
    });
    expect(await flags()).toEqual([
      ['first', '', 0],
      ['taken over', '', 1],
    ]);
  });
});

describe('0011_events_once', () => {
  let database: FreshDatabase;
  let client: ClickHouseClient;

  beforeAll(async () => {
    database = await freshClickHouseDatabase();
    client = createClickHouseClient(database.url, 4);
    await new Migrator(client, database.url).migrate();
    await client.command({ query: 'SYSTEM STOP MERGES events' });
  });
  afterAll(async () => {
    await client.close();
    await database.drop();
  });

  it('should have each event of a tenant once, as the copy that was received last, in whatever part or month', async () => {
    const [first, moved, keyed, lone] = [uuid7Bytes(), uuid7Bytes(), withVersion(uuid7Bytes(), 8), uuid7Bytes()];
    const row = (id: Uint8Array, at: string, payload: string, tenantId = 'acme') => ({
      ...{ tenantId, id, eventType: 'ordered', userId: 'u', anonymousId: '', eventId: '' },
      ...{ occurredAt: Date.parse(at), receivedAt: Date.parse(at) * 1000, payload: Buffer.from(payload) },
    });
    for (const [rows, mayHaveCopies] of [
      [[row(first, '2026-11-30T10:00:00Z', '1')], 0],
      [[row(moved, '2026-12-01T00:00:01Z', '20')], 1],
      [[row(moved, '2026-11-30T23:59:59Z', '2')], 0],
      [[row(keyed, '2026-11-30T11:00:00Z', '30')], 1],
      [[row(keyed, '2026-11-30T10:00:00Z', '3')], 1],
      [[row(lone, '2026-11-30T10:00:00Z', '4')], 1],
      [[row(first, '2026-11-30T12:00:00Z', '5', 'globex')], 0],
    ] as const) {
      await storeRows(client, rows, { mayHaveCopies });
    }
    const payloads = async (where = '1') => {
      const query = `SELECT payload FROM events_once(tenant = 'acme') WHERE ${where} ORDER BY payload`;
      const result = await client.query({ query, format: 'JSONCompactEachRow' });
      return (await result.json<[string]>()).flat();
    };
    expect(await payloads()).toEqual(['1', '20', '30', '4']);
    // The condition is about the copy that counts.
    expect(await payloads("received_at < '2026-12-01' AND event_type = 'ordered'")).toEqual(['1', '30', '4']);
  });
});
