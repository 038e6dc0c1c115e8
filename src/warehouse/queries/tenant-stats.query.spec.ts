import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { type FreshDatabase, freshClickHouseDatabase } from '../../../test/support/servers.js';
import { waitUntil } from '../../../test/support/wait-until.js';
import { uuid7, uuid7Bytes, withVersion } from '../../common/uuid7.js';
import { createClickHouseClient } from '../clickhouse.client.js';
import { EventRowEncoder } from '../event-row.encoder.js';
import { EventWriter } from '../event.writer.js';
import { Migrator } from '../migrator.js';
import { type StatsRange, tenantStats } from './tenant-stats.query.js';

const BEFORE_STATS = [
  '0001_events.sql',
  '0002_user_properties.sql',
  '0003_ingestion_errors.sql',
  '0004_compliance_requests.sql',
];
const MIGRATIONS = join(__dirname, '..', 'migrations');
const HOURS = {
  bucket: 'hour',
  since: new Date('2026-11-20T10:00:00Z'),
  until: new Date('2026-11-20T12:00:00Z'),
} as const;
const DAYS = {
  bucket: 'day',
  since: new Date('2026-11-20T00:00:00Z'),
  until: new Date('2026-11-22T00:00:00Z'),
} as const;

describe('tenantStats', () => {
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

  const repeated = withVersion(uuid7Bytes(), 8);
  /** Two events of ten and eleven o'clock; the first of them is received again in the second hour, and on the next day. */
  const store = async () => {
    for (const [id, time, userId] of [
      [repeated, '2026-11-20T10:10:00Z', 'u-1'],
      [uuid7Bytes(), '2026-11-20T11:10:00Z', 'u-2'],
      [repeated, '2026-11-20T11:20:00Z', 'u-1'],
      [repeated, '2026-11-21T09:00:00Z', 'u-1'],
    ] as const) {
      const encoder = new EventRowEncoder();
      encoder.append({
        tenantId: 'acme',
        id,
        eventType: 'page_viewed',
        userId,
        anonymousId: '',
        eventId: '',
        occurredAt: Date.parse(time),
        receivedAt: Date.parse(time) * 1000,
        payload: Buffer.from('{}'),
      });
      await new EventWriter(client).store({ id: uuid7(), rows: encoder.take() });
    }
  };
  const eleven = new Date('2026-11-20T11:00:00Z');
  const rightHours = {
    events: [{ bucket: eleven, count: 2 }],
    types: [{ eventType: 'page_viewed', count: 2 }],
    typeCount: 1,
    users: expect.arrayContaining([{ bucket: eleven, count: 2 }]) as unknown,
    uniqueUsers: 2,
  };
  const ask = (range: StatsRange, of = client) => tenantStats(of, 'acme', range, { skip: 0, limit: 10 });

  it.each([
    [HOURS, ['event_counts', 'hourly_user_counts', 'hourly_users']],
    [DAYS, ['daily_users', 'event_counts', 'hourly_user_counts']],
  ])('should read projections instead of rows (%j)', async (range, projections) => {
    await new Migrator(client, database.url).migrate();
    await client.command({ query: 'SYSTEM STOP MERGES events' });
    await store();
    let plan = '';
    const explaining = {
      query: async (params: Parameters<ClickHouseClient['query']>[0]) => {
        const result = await client.query({ ...params, query: `EXPLAIN ${params.query}`, format: 'TabSeparatedRaw' });
        plan = await result.text();
        return client.query(params);
      },
    } as unknown as ClickHouseClient;

    expect(await ask(range, explaining)).toMatchObject({ uniqueUsers: 2 });
    const read = [...plan.matchAll(/ReadFrom\w+ \((.+)\)/g)].map(([, name]) => name);
    expect([...new Set(read)].sort()).toEqual(projections);
  });

  it('should stay right while repeats come in and are merged away', async () => {
    await new Migrator(client, database.url).migrate();
    const events = 50_000;
    const range = { ...DAYS, bucket: 'hour' } as const;
    const insert = () =>
      client.command({
        query: `
          INSERT INTO events (tenant_id, event_type, user_id, id, received_at)
          SELECT 'acme', 'page_viewed', toString(number % 1000), toUUID(concat(leftPad(hex(number), 8, '0'), '-0000-8000-8000-000000000000')),
            toDateTime64('2026-11-20 00:00:00', 6, 'UTC') + rand() % 86400
          FROM numbers(${events})`,
      });
    await insert();
    const disturbance = new AbortController();
    const disturbed = (async () => {
      for (let i = 0; i < 12; i++) {
        await insert();
        if (i % 4 === 3) await client.command({ query: 'OPTIMIZE TABLE events FINAL' });
      }
    })().finally(() => {
      disturbance.abort();
    });
    while (!disturbance.signal.aborted) {
      const stats = await ask(range);
      expect(stats.events.reduce((total, { count }) => total + count, 0)).toBe(events);
      expect(stats.uniqueUsers).toBe(1000);
    }
    await disturbed;
  });

  it('should be right for events that were stored before there were projections', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'segops-migrations-'));
    for (const file of BEFORE_STATS) await cp(join(MIGRATIONS, file), join(folder, file));
    await new Migrator(client, database.url, folder).migrate();
    await rm(folder, { recursive: true });
    // The writer of this build asks for them.
    await client.command({ query: await readFile(join(MIGRATIONS, '0008_erasures.sql'), 'utf8') });
    await client.command({ query: 'SYSTEM STOP MERGES events' });
    await store();

    await new Migrator(client, database.url).migrate();
    expect(await ask(HOURS)).toEqual(rightHours);
    await client.command({ query: 'SYSTEM START MERGES events' });
    const projected = async () => {
      const result = await client.query({
        query: `SELECT count() = 4 * (SELECT count() FROM system.parts WHERE database = currentDatabase() AND table = 'events' AND active) AS all
                FROM system.projection_parts WHERE database = currentDatabase() AND table = 'events' AND active`,
        format: 'JSONEachRow',
      });
      return Boolean((await result.json<{ all: number }>())[0]?.all);
    };
    await waitUntil(projected);
    expect(await ask(HOURS)).toEqual(rightHours);
  });
});
