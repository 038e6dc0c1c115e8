import request from 'supertest';
import { uuid7, uuid7Bytes } from '../../src/common/uuid7.js';
import { eventIdentity } from '../../src/ingestion/event-identity.js';
import { StatsClock } from '../../src/stats/stats.clock.js';
import { EventTransport } from '../../src/transport/event-transport.js';
import { EventRowEncoder } from '../../src/warehouse/event-row.encoder.js';
import type { EventRow } from '../../src/warehouse/event-row.js';
import { EventWriter } from '../../src/warehouse/event.writer.js';
import { Redactor } from '../../src/warehouse/redactor.js';
import { Warehouse } from '../../src/warehouse/warehouse.js';
import { HangingServer } from '../support/hanging.server.js';
import { sharedService, startService, type TestService, type TestTenant } from '../support/service.js';
import { waitUntil } from '../support/wait-until.js';

type Window = '24h' | '7d';

interface StatsBody {
  window: string;
  total_events: number;
  unique_users: number;
  timeseries: { bucket: string; event_count: number; unique_users: number }[];
  event_types: { event_type: string; count: number }[];
  queue: { waiting_batches: number; oldest_batch_age_ms: number } | null;
  ingestion_lag: { p50_ms: number; p95_ms: number; p99_ms: number } | null;
}

const path = '/api/ingestion/stats/';
const HOUR = 3_600_000;
/** In the first days of a month, so that 7 days lie in two partitions of `events`. */
const NOW = new Date('2026-12-02T14:30:00Z');

let service: TestService;
let tenant: TestTenant;

beforeAll(async () => {
  service = await sharedService();
});
beforeEach(async () => {
  tenant = await service.createTenant();
  setNow(NOW);
});

const setNow = (now: Date) => jest.spyOn(service.app.get(StatsClock), 'now').mockReturnValue(now);

const get = (query = '', { key } = tenant, { url } = service) =>
  request(url).get(`${path}${query}`).set('authorization', `ApiKey ${key}`);
const stats = async (window: Window, of = tenant): Promise<StatsBody> =>
  (await get(`?window=${window}`, of).expect(200)).body as StatsBody;

interface Sample {
  /** Milliseconds since 1970, or a time. */
  receivedAt: number | string;
  userId?: string;
  eventType?: string;
  eventId?: string;
}

const row = ({ receivedAt, userId = 'u-1', eventType = 'page_viewed', eventId }: Sample, of = tenant): EventRow => {
  const ms = new Date(receivedAt).getTime();
  return {
    tenantId: of.tenantId,
    id: eventId === undefined ? uuid7Bytes(ms) : eventIdentity(of.tenantId, eventId),
    eventType,
    userId,
    anonymousId: '',
    eventId: eventId ?? '',
    occurredAt: ms - 1000,
    receivedAt: ms * 1000,
    payload: Buffer.from('{}'),
  };
};
const store = async (rows: EventRow[], id = uuid7()) => {
  const encoder = new EventRowEncoder();
  for (const each of rows) encoder.append(each);
  // As a first delivery: ids made from an `event_id` may have copies even so.
  await new EventWriter(service.clickhouse).store({ id, rows: encoder.take() }, { mayHaveCopies: false });
};

/** All tests of this file share what they see of it. */
const lagOrNull = { asymmetricMatch: (value: unknown) => value === null || typeof value === 'object' };

/** What the answer must be, counted the plain way: of equal events the one received last. */
function expected(window: Window, rows: EventRow[]) {
  const ms = window === '24h' ? HOUR : 24 * HOUR;
  const count = window === '24h' ? 24 : 7;
  const until = (Math.floor(NOW.getTime() / ms) + 1) * ms;
  const last = new Map<string, EventRow>();
  for (const each of rows) {
    const received = each.receivedAt / 1000;
    const key = [each.eventType, each.userId, Buffer.from(each.id).toString('hex')].join();
    if (received < until - count * ms || received >= until) continue;
    if ((last.get(key)?.receivedAt ?? 0) < each.receivedAt) last.set(key, each);
  }
  const events = [...last.values()];
  const users = (of: EventRow[]) => new Set(of.map(({ userId }) => userId)).size;
  const types = [...new Set(events.map(({ eventType }) => eventType))].map((type) => ({
    event_type: type,
    count: events.filter(({ eventType }) => eventType === type).length,
  }));
  return {
    window,
    total_events: events.length,
    unique_users: users(events),
    timeseries: Array.from({ length: count }, (_, i) => {
      const start = until - (count - i) * ms;
      const inside = events.filter(({ receivedAt }) => Math.floor(receivedAt / 1000 / ms) * ms === start);
      return {
        bucket: new Date(start).toISOString().replace('.000Z', 'Z'),
        event_count: inside.length,
        unique_users: users(inside),
      };
    }),
    event_types: types.sort((a, b) => b.count - a.count || (a.event_type < b.event_type ? -1 : 1)),
    ingestion_lag: lagOrNull,
    queue: expect.anything() as unknown,
  };
}

describe('GET /api/ingestion/stats/', () => {
  it('should answer zeros for a tenant without events, in every bucket of 24 hours unless told', async () => {
    // The specs before this one may have left events on their way.
    await waitUntil(async () => (await stats('24h')).queue?.waiting_batches === 0);
    const { body } = (await get().expect(200)) as { body: StatsBody };
    expect(body).toEqual({ ...expected('24h', []), queue: { waiting_batches: 0, oldest_batch_age_ms: 0 } });
    expect(body.timeseries).toHaveLength(24);
    expect(body.timeseries[0]!.bucket).toBe('2026-12-01T15:00:00Z');
    expect(await stats('7d')).toEqual(expected('7d', []));
  });

  it('should be right for known totals that were delivered with duplicates, before they are merged and after', async () => {
    const types = ['page_viewed', 'order_placed', 'cart_viewed', 'search_performed'];
    let seed = 7;
    const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
    const originals = Array.from({ length: 6_000 }, (_, i) =>
      row({
        receivedAt: NOW.getTime() - random(9 * 24 * HOUR),
        userId: `u-${random(700)}`,
        eventType: types[random(4) && random(4)]!,
        ...(i % 3 === 0 && { eventId: `e-${i}` }),
      }),
    );
    // Some repeats come within the hour, some hours or days later, and some more than once.
    const repeats = originals
      .filter(({ eventId }) => eventId !== '')
      .flatMap((original) =>
        Array.from({ length: random(3) }, () => ({
          ...original,
          receivedAt: Math.min(
            original.receivedAt + random([1, 60, 3_000][random(3)]! * 60_000) * 1000 + 1,
            NOW.getTime() * 1000,
          ),
        })),
      )
      .sort((a, b) => a.receivedAt - b.receivedAt);
    await service.clickhouse.command({ query: 'SYSTEM STOP MERGES events' });
    const batches = [originals, repeats].flatMap((rows) => [rows.slice(0, 500), rows.slice(500, 550), rows.slice(550)]);
    for (const batch of batches) {
      const id = uuid7();
      await store(batch, id);
      await store(batch, id);
    }
    const rows = [...originals, ...repeats];
    for (const window of ['24h', '7d'] as const) {
      expect(await stats(window)).toEqual(expected(window, rows));
    }
    await service.clickhouse.command({ query: 'SYSTEM START MERGES events' });
    await service.clickhouse.command({ query: 'OPTIMIZE TABLE events FINAL' });
    for (const window of ['24h', '7d'] as const) {
      expect(await stats(window)).toEqual(expected(window, rows));
    }
  });

  it('should not leave a user in an hour whose only event there was received again in a later one', async () => {
    const first = row({ receivedAt: '2026-12-02T12:10:00Z', userId: 'u-1', eventId: 'e' });
    const other = row({ receivedAt: '2026-12-02T12:20:00Z', userId: 'u-2' });
    await store([first, other]);
    await store([{ ...first, receivedAt: Date.parse('2026-12-02T13:10:00Z') * 1000 }]);

    const { total_events, unique_users, timeseries } = await stats('24h');
    expect([total_events, unique_users]).toEqual([2, 2]);
    expect(timeseries.slice(-3)).toEqual([
      { bucket: '2026-12-02T12:00:00Z', event_count: 1, unique_users: 1 },
      { bucket: '2026-12-02T13:00:00Z', event_count: 1, unique_users: 1 },
      { bucket: '2026-12-02T14:00:00Z', event_count: 0, unique_users: 0 },
    ]);
  });

  it('should keep events of different types or users apart, though they have the same key', async () => {
    const receivedAt = '2026-12-02T12:10:00Z';
    const rows = [
      row({ receivedAt, eventId: 'e' }),
      row({ receivedAt, eventId: 'e', eventType: 'order_placed' }),
      row({ receivedAt, eventId: 'e', userId: 'u-2' }),
    ];
    await store(rows);
    await store([rows[0]!]);
    expect(await stats('24h')).toEqual(expected('24h', rows));
    expect((await stats('7d')).total_events).toBe(3);
  });

  it('should count what was received at the very edges, and move on with the clock', async () => {
    const times = [
      '2026-12-01T14:59:59.999Z',
      '2026-12-01T15:00:00.000Z',
      '2026-12-02T14:00:00Z',
      '2026-12-02T14:59:59.999Z',
    ];
    await store(times.map((receivedAt) => row({ receivedAt })));
    const counts = async () => (await stats('24h')).timeseries.map(({ event_count }) => event_count);

    setNow(new Date('2026-12-02T14:59:59.999Z'));
    expect(await counts()).toEqual([1, ...Array<number>(22).fill(0), 2]);
    setNow(new Date('2026-12-02T15:00:00.000Z'));
    expect(await counts()).toEqual([...Array<number>(22).fill(0), 2, 0]);
    setNow(new Date('2026-12-02T13:59:59.999Z'));
    expect(await counts()).toEqual([1, 1, ...Array<number>(22).fill(0)]);
  });

  it('should tell the most frequent of very many event types, say how many there are, and have the others in pages', async () => {
    const received = { receivedAt: NOW.getTime() };
    const often = Array.from({ length: 2 }, (_, i) => row({ ...received, eventType: 'often', userId: `u-${i}` }));
    const rare = Array.from({ length: 1_004 }, (_, i) => row({ ...received, eventType: `rare_${1000 + i}` }));
    await store([...often, ...rare]);
    const ask = async (query: string) => (await get(query).expect(200)).body as StatsBody & Record<string, unknown>;

    const first = await ask('');
    expect(first.total_events).toBe(1_006);
    expect(first.event_types).toHaveLength(1_000);
    expect(first.event_types.slice(0, 2)).toEqual([
      { event_type: 'often', count: 2 },
      { event_type: 'rare_1000', count: 1 },
    ]);
    expect(first).toMatchObject({ event_types_total: 1_005, event_types_next: '1000' });
    const last = await ask('?cursor=1000&limit=99999');
    expect(last.event_types.map(({ event_type }) => event_type)).toEqual(
      [1999, 2000, 2001, 2002, 2003].map((number) => `rare_${number}`),
    );
    expect(last).toMatchObject({ event_types_total: 1_005, total_events: 1_006, timeseries: first.timeseries });
    expect(last).not.toHaveProperty('event_types_next');
    expect(await ask('?cursor=5000')).toMatchObject({ event_types: [], event_types_total: 1_005 });
    expect(Object.keys(await ask('?limit=2&cursor=1'))).toEqual(expect.arrayContaining(['event_types_next']));
    await get('?cursor=often').expect(400);
    await get('?limit=0').expect(400);
  });

  it('should count what came over HTTP, an event that was sent again once', async () => {
    jest.restoreAllMocks();
    const event = { user_id: 'u-1', event_type: 'page_viewed', event_id: 'e-1', occurred_at: '2020-01-01T00:00:00Z' };
    await tenant.post('/api/ingestion/track/', event).expect(202);
    await tenant.post('/api/ingestion/track/', event).expect(202);
    await tenant
      .post('/api/ingestion/track/batch/', { events: [{ ...event, event_id: 'e-2', user_id: 'u-2' }] })
      .expect(202);
    const stored = async () => {
      const result = await service.clickhouse.query({
        query: 'SELECT count() AS n FROM events WHERE tenant_id = {tenantId: String}',
        query_params: { tenantId: tenant.tenantId },
        format: 'JSONEachRow',
      });
      return Number((await result.json<{ n: string }>())[0]!.n);
    };
    await waitUntil(async () => (await stored()) >= 2 && (await stats('24h')).queue?.waiting_batches === 0);

    for (const window of ['24h', '7d'] as const) {
      expect(await stats(window)).toMatchObject({
        total_events: 2,
        unique_users: 2,
        event_types: [{ event_type: 'page_viewed', count: 2 }],
      });
    }
  });

  it('should forget a user whose data was removed', async () => {
    const rows = [
      row({ receivedAt: '2026-12-02T12:10:00Z', userId: 'gone@example.com' }),
      row({ receivedAt: '2026-12-02T12:20:00Z', userId: 'gone@example.com', eventId: 'e' }),
      row({ receivedAt: '2026-12-02T12:30:00Z', userId: 'kept@example.com' }),
    ];
    await store(rows);
    await store([rows[1]!]);
    expect(await stats('24h')).toMatchObject({ total_events: 3, unique_users: 2 });

    await new Redactor(service.clickhouse).redact(tenant.tenantId, {
      kind: 'users',
      userIds: ['gone@example.com'],
      orderIds: [],
    });
    for (const window of ['24h', '7d'] as const) {
      expect(await stats(window)).toEqual(expected(window, [rows[2]!]));
    }
  });

  it('should show a tenant nothing of another, to its users as to its servers', async () => {
    const other = await service.createTenant();
    await store([row({ receivedAt: NOW.getTime() }), row({ receivedAt: NOW.getTime() }, other)]);
    await store([row({ receivedAt: NOW.getTime(), userId: 'u-2', eventType: 'cart_viewed' }, other)]);

    expect((await stats('24h')).total_events).toBe(1);
    expect((await stats('7d', other)).total_events).toBe(2);
    const { body } = await request(service.url)
      .get(path)
      .set('authorization', `Bearer ${tenant.userToken}`)
      .expect(200);
    expect(body).toMatchObject({ total_events: 1, unique_users: 1 });
    await request(service.url).get(path).expect(401);
  });

  it.each(['1y', '', '24H', '%2024h', '24h&window=7d', '7d&window=7d', 'toString'])(
    'should answer 400 for window=%s, and say what a window is',
    async (window) => {
      const { body } = await get(`?window=${window}`).expect(400);
      expect(body).toEqual({ window: ['must be 24h or 7d.'] });
    },
  );

  it('should answer 503 when ClickHouse cannot count, without a word of SQL', async () => {
    await service.clickhouse.command({ query: 'RENAME TABLE events TO away' });
    const response = await get();
    await service.clickhouse.command({ query: 'RENAME TABLE away TO events' });

    expect(response.status).toBe(503);
    expect(response.headers['retry-after']).toBe('5');
    expect(response.body).toEqual({ detail: 'Stats cannot be read at the moment. Ask again.' });
  });
});

describe('The ingestion lag', () => {
  it('should be from acceptance until events can be queried, event by event', async () => {
    const own = await startService();
    try {
      const of = await own.createTenant();
      const transport = own.app.get(EventTransport);
      expect((await get('', of, own)).body).toMatchObject({ ingestion_lag: null });
      const writer = own.app.get(EventWriter);
      const store = writer.store.bind(writer);
      const began = Date.now();
      const clock = jest.spyOn(Date, 'now').mockReturnValue(began);
      jest.spyOn(writer, 'store').mockImplementation(async (batch) => {
        await store(batch);
        clock.mockReturnValue(began + 500);
      });
      // The last one by a clock that is ahead.
      for (const [ageMs, events] of [
        [1_000, 93],
        [60_000, 4],
        [600_000, 3],
        [-30_000, 1],
      ] as const) {
        const encoder = new EventRowEncoder();
        for (let i = 0; i < events; i++) encoder.append(row({ receivedAt: began }, of));
        await transport.publish({ id: uuid7(began - ageMs), type: 'events.v1', events, rows: encoder.take() });
      }
      const noted = async () => {
        const query = 'SELECT toUInt32(sum(events)) AS n FROM ingestion_lag';
        const result = await own.clickhouse.query({ query, format: 'JSONEachRow' });
        return (await result.json<{ n: number }>())[0]!.n;
      };
      await waitUntil(async () => (await noted()) === 101);
      clock.mockRestore();
      // Rounded to two digits.
      const ingestion_lag = { p50_ms: 1_500, p95_ms: 61_000, p99_ms: 600_000 };
      expect((await get('', of, own)).body).toMatchObject({ ingestion_lag });

      await own.clickhouse.command({ query: 'DROP TABLE ingestion_lag SYNC' });
      expect((await get('', of, own).expect(200)).body).toMatchObject({ total_events: 101, ingestion_lag: null });
    } finally {
      jest.restoreAllMocks();
      await own.stop();
    }
  });
});

describe('GET /api/ingestion/stats/ with a ClickHouse that hangs', () => {
  it('should answer 503, and not wait as long as for a large question', async () => {
    const hanging = await HangingServer.start();
    const api = await startService({ ROLE: 'api', CLICKHOUSE_URL: `${hanging.url}/events` });
    try {
      const { key } = await api.createTenant();
      const ping = jest.spyOn(api.app.get(Warehouse), 'ping');
      const response = await request(api.url).get(path).set('authorization', `ApiKey ${key}`);
      expect(response.status).toBe(503);
      expect(response.headers['retry-after']).toBe('5');
      // The client itself would wait for 30 s.
      expect(ping).toHaveBeenCalledWith(1_500);
    } finally {
      hanging.stop();
      await api.stop();
    }
  });
});
