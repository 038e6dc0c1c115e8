import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { type FreshDatabase, freshClickHouseDatabase } from '../../../test/support/servers.js';
import { storeRows } from '../../../test/support/stored-rows.js';
import { waitUntil } from '../../../test/support/wait-until.js';
import { uuid7Bytes, withVersion } from '../../common/uuid7.js';
import { createClickHouseClient } from '../clickhouse.client.js';
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
  /**
   * Two events of ten and eleven o'clock; the first of them is received again in the second hour, and on the next day. Stored as
   * builds do that do not know the column.
   */
  const store = async () => {
    for (const [id, time, userId] of [
      [repeated, '2026-11-20T10:10:00Z', 'u-1'],
      [uuid7Bytes(), '2026-11-20T11:10:00Z', 'u-2'],
      [repeated, '2026-11-20T11:20:00Z', 'u-1'],
      [repeated, '2026-11-21T09:00:00Z', 'u-1'],
    ] as const) {
      const row = {
        ...{ tenantId: 'acme', id, eventType: 'page_viewed', userId, anonymousId: '', eventId: '' },
        ...{ occurredAt: Date.parse(time), receivedAt: Date.parse(time) * 1000, payload: Buffer.from('{}') },
      };
      await storeRows(client, [row]);
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

  /** The answer, and how many rows ClickHouse read for it, of the table and of projections. */
  const readRows = async (range: StatsRange) => {
    let summary = NaN;
    const summing = {
      query: async (params: Parameters<ClickHouseClient['query']>[0]) => {
        const result = await client.query({
          ...params,
          clickhouse_settings: { ...params.clickhouse_settings, wait_end_of_query: 1 },
        });
        const header = result.response_headers['x-clickhouse-summary'] as string;
        summary = Number((JSON.parse(header) as { read_rows: string }).read_rows);
        return result;
      },
    } as unknown as ClickHouseClient;
    const answer = await ask(range, summing);
    return { summary, answer };
  };

  it.each([
    [HOURS, ['events_by_hour', 'hourly_users']],
    [DAYS, ['daily_users', 'events_by_hour']],
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
    // The rows of copies that were moved, and those that copies may have without saying so: looked up by their keys.
    expect([...new Set(read)].sort()).toEqual([...projections, `${database.name}.events`]);
  });

  it('should read no row of the table for looking up copies that there are not', async () => {
    await new Migrator(client, database.url).migrate();
    await client.command({
      query: `
        INSERT INTO events (tenant_id, event_type, user_id, id, received_at)
        SELECT 'acme', 'page_viewed', toString(number % 10), generateUUIDv7(), toDateTime64('2026-11-20 10:00:00', 6, 'UTC')
        FROM numbers(50000)`,
    });
    const { summary, answer } = await readRows(HOURS);
    expect(answer).toMatchObject({ uniqueUsers: 10, events: [{ count: 50_000 }] });
    expect(summary).toBeLessThan(100);
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

  const migrateWith = async (files: readonly string[]) => {
    const folder = await mkdtemp(join(tmpdir(), 'segops-migrations-'));
    for (const file of files) await cp(join(MIGRATIONS, file), join(folder, file));
    await new Migrator(client, database.url, folder).migrate();
    await rm(folder, { recursive: true });
  };
  const projected = async () => {
    const result = await client.query({
      query: `SELECT count() = 3 * (SELECT count() FROM system.parts WHERE database = currentDatabase() AND table = 'events' AND active) AS all
              FROM system.projection_parts WHERE database = currentDatabase() AND table = 'events' AND active`,
      format: 'JSONEachRow',
    });
    return Boolean((await result.json<{ all: number }>())[0]?.all);
  };

  it('should be right for events that were stored before there were projections', async () => {
    await migrateWith(BEFORE_STATS);
    await store();
    const latest = new Migrator(client, database.url);
    // A projection that is still being made cannot be dropped; a worker tries again.
    await waitUntil(() =>
      latest.migrate().then(
        () => true,
        () => false,
      ),
    );
    expect(await ask(HOURS)).toEqual(rightHours);
    await waitUntil(projected);
    expect(await ask(HOURS)).toEqual(rightHours);
  });

  it('should be right while the projections of before give way to those of now, and after', async () => {
    const before = (await readdir(MIGRATIONS)).filter((file) => Number(file.slice(0, 4)) <= 8);
    await migrateWith(before);
    await store();
    await client.command({ query: 'SYSTEM STOP MERGES events' });

    await new Migrator(client, database.url).migrate();
    expect(await ask(HOURS)).toEqual(rightHours);
    await client.command({ query: 'SYSTEM START MERGES events' });
    await waitUntil(projected);
    expect(await ask(HOURS)).toEqual(rightHours);
  });
});

interface Copy {
  /** Stands for the id. */
  readonly event: string;
  readonly at: string;
  readonly mayHaveCopies: 0 | 1;
  readonly userId?: string;
}

/** Every list is in the order of storage, each row a part of its own. */
const COPIES: readonly (readonly [what: string, version: 7 | 8, copies: readonly Copy[]])[] = [
  [
    'a retry that took over the seed of a request that was stored',
    7,
    [
      { event: 'e', at: '2026-11-30T10:10:00Z', mayHaveCopies: 0 },
      { event: 'e', at: '2026-11-30T10:11:00Z', mayHaveCopies: 1 },
    ],
  ],
  [
    'such a retry in the next hour, of a user who did nothing else',
    7,
    [
      { event: 'e', at: '2026-11-30T10:59:59Z', mayHaveCopies: 0 },
      { event: 'e', at: '2026-11-30T11:00:30Z', mayHaveCopies: 1 },
      { event: 'other', at: '2026-11-30T10:00:00Z', mayHaveCopies: 0, userId: 'u-2' },
    ],
  ],
  [
    'such a retry in the next hour, of a user who did something else before',
    7,
    [
      { event: 'other', at: '2026-11-30T10:30:00Z', mayHaveCopies: 0 },
      { event: 'e', at: '2026-11-30T10:59:59Z', mayHaveCopies: 0 },
      { event: 'e', at: '2026-11-30T11:00:30Z', mayHaveCopies: 1 },
    ],
  ],
  [
    'a batch that was delivered again in other company',
    7,
    [
      { event: 'e', at: '2026-11-30T10:10:00Z', mayHaveCopies: 0 },
      { event: 'e', at: '2026-11-30T10:10:00Z', mayHaveCopies: 1 },
      { event: 'f', at: '2026-11-30T10:10:01Z', mayHaveCopies: 1 },
    ],
  ],
  [
    'a batch that was delivered three times, and a retry of it',
    7,
    [
      { event: 'e', at: '2026-11-30T10:10:00Z', mayHaveCopies: 0 },
      { event: 'e', at: '2026-11-30T10:10:00Z', mayHaveCopies: 1 },
      { event: 'e', at: '2026-11-30T10:10:00Z', mayHaveCopies: 1 },
      { event: 'e', at: '2026-11-30T12:10:00Z', mayHaveCopies: 1 },
    ],
  ],
  [
    'a delivery that was not the first, and the only one that was stored',
    7,
    [{ event: 'e', at: '2026-11-30T10:10:00Z', mayHaveCopies: 1 }],
  ],
  [
    'a key of a caller, again when no token is left of it',
    8,
    [
      { event: 'e', at: '2026-11-30T10:10:00Z', mayHaveCopies: 1 },
      { event: 'e', at: '2026-11-30T13:10:00Z', mayHaveCopies: 1 },
    ],
  ],
  [
    'a retry over a month’s end',
    7,
    [
      { event: 'e', at: '2026-11-30T23:59:59Z', mayHaveCopies: 0 },
      { event: 'e', at: '2026-12-01T00:00:30Z', mayHaveCopies: 1 },
      { event: 'f', at: '2026-11-30T23:59:58Z', mayHaveCopies: 0, userId: 'u-2' },
    ],
  ],
  [
    'a retry over a month’s end that was stored before what it repeats',
    7,
    [
      { event: 'e', at: '2026-12-01T00:00:30Z', mayHaveCopies: 1 },
      { event: 'e', at: '2026-11-30T23:59:59Z', mayHaveCopies: 0 },
    ],
  ],
  [
    'a key of a caller over a month’s end',
    8,
    [
      { event: 'e', at: '2026-11-30T23:00:00Z', mayHaveCopies: 1 },
      { event: 'e', at: '2026-12-01T01:00:00Z', mayHaveCopies: 1 },
    ],
  ],
];

describe('tenantStats of copies', () => {
  let database: FreshDatabase;
  let client: ClickHouseClient;
  let tenants = 0;

  beforeAll(async () => {
    database = await freshClickHouseDatabase();
    client = createClickHouseClient(database.url, 4);
    await new Migrator(client, database.url).migrate();
  });
  afterAll(async () => {
    await client.close();
    await database.drop();
  });

  /** Counted the plain way: of the rows of an event the one received last. */
  const expected = (copies: readonly Copy[], bucket: StatsRange['bucket']) => {
    const last = new Map<string, Copy>();
    for (const copy of copies) {
      if ((last.get(copy.event)?.at ?? '') <= copy.at) last.set(copy.event, copy);
    }
    const starts = [...last.values()].map(({ at, userId = 'u-1' }) => ({
      start: bucket === 'hour' ? `${at.slice(0, 13)}:00:00Z` : `${at.slice(0, 10)}T00:00:00Z`,
      userId,
    }));
    const buckets = [...new Set(starts.map(({ start }) => start))].sort();
    const inside = (bucket: string) => starts.filter(({ start }) => start === bucket);
    const users = (of: typeof starts) => new Set(of.map(({ userId }) => userId)).size;
    return {
      events: buckets.map((start) => ({ bucket: new Date(start), count: inside(start).length })),
      users: buckets.map((start) => ({ bucket: new Date(start), count: users(inside(start)) })),
      types: [{ eventType: 'page_viewed', count: last.size }],
      uniqueUsers: users(starts),
    };
  };

  it.each(COPIES)('should count once, in both windows, before a merge and after it: %s', async (_, version, copies) => {
    const tenantId = `tenant-${++tenants}`;
    await client.command({ query: 'SYSTEM STOP MERGES events' });
    const ids = new Map<string, Uint8Array>();
    for (const { event, at, mayHaveCopies, userId = 'u-1' } of copies) {
      const id = ids.get(event) ?? withVersion(uuid7Bytes(), version);
      ids.set(event, id);
      const row = {
        ...{ tenantId, id, eventType: 'page_viewed', userId, anonymousId: '', eventId: '' },
        ...{ occurredAt: Date.parse(at), receivedAt: Date.parse(at) * 1000, payload: Buffer.from('{}') },
      };
      await storeRows(client, [row], { mayHaveCopies });
    }
    const byBucket = (a: { bucket: Date }, b: { bucket: Date }) => a.bucket.getTime() - b.bucket.getTime();
    const requireRight = async () => {
      for (const bucket of ['hour', 'day'] as const) {
        const range = { bucket, since: new Date('2026-11-30T00:00:00Z'), until: new Date('2026-12-02T00:00:00Z') };
        const { events, users, types, uniqueUsers } = await tenantStats(client, tenantId, range, {
          skip: 0,
          limit: 10,
        });
        const answered = { events: events.toSorted(byBucket), users: users.toSorted(byBucket), types, uniqueUsers };
        expect(answered).toEqual(expected(copies, bucket));
      }
    };
    await requireRight();
    await client.command({ query: 'SYSTEM START MERGES events' });
    await client.command({ query: 'OPTIMIZE TABLE events FINAL' });
    await requireRight();
  });
});
