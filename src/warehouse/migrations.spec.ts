import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { type FreshDatabase, freshClickHouseDatabase } from '../../test/support/servers.js';
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
