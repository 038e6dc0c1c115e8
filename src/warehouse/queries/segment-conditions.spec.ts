import type { ClickHouseClient } from '@clickhouse/client';
import { type FreshDatabase, freshClickHouseDatabase } from '../../../test/support/servers.js';
import { storeRows } from '../../../test/support/stored-rows.js';
import { uuid7Bytes, withVersion } from '../../common/uuid7.js';
import { createClickHouseClient } from '../clickhouse.client.js';
import type { EventRow } from '../event-row.js';
import { Migrator } from '../migrator.js';
import { countUsersMeeting, usersMeeting } from './users-meeting.query.js';
import {
  eventCount,
  latestProperty,
  numericProperty,
  recency,
  sequence,
  type UserCondition,
  userProperty,
} from './segment-conditions.js';

const NOW = Date.UTC(2026, 5, 15, 12);
const HUGE = '123456789012345678901234567890';
const daysAgo = (days: number) => new Date(NOW - days * 86_400_000);

describe('segment conditions', () => {
  let database: FreshDatabase;
  let client: ClickHouseClient;
  let received = NOW * 1000;
  let tenants = 0;

  beforeAll(async () => {
    database = await freshClickHouseDatabase();
    client = createClickHouseClient(database.url, 4);
    await new Migrator(client, database.url).migrate();
    // What the conditions have to cope with is the time before a merge.
    await client.command({ query: 'SYSTEM STOP MERGES events' });
    await client.command({ query: 'SYSTEM STOP MERGES user_properties' });
  });

  afterAll(async () => {
    await client.close();
    await database.drop();
  });

  function event(userId: string, eventType: string, days: number, payload = '{}', tenantId = 'acme'): EventRow {
    return {
      tenantId,
      id: uuid7Bytes(),
      eventType,
      userId,
      anonymousId: '',
      eventId: '',
      occurredAt: daysAgo(days).getTime(),
      receivedAt: received++,
      payload: Buffer.from(payload),
    };
  }

  const seen = new Set<string>();
  /** Every event in a part of its own, so that nothing is collapsed on the way in. */
  async function store(...events: EventRow[]): Promise<void> {
    for (const row of events) {
      const id = Buffer.from(row.id).toString('hex');
      await storeRows(client, [row], { mayHaveCopies: seen.has(id) ? 1 : 0 });
      seen.add(id);
    }
  }

  /** The same event again, in another request: same id, received later. */
  const again = (row: EventRow): EventRow => ({ ...row, receivedAt: received++ });

  async function users(condition: UserCondition): Promise<string[]> {
    const found = await usersMeeting(client, condition);
    expect(await countUsersMeeting(client, condition)).toBe(found.length);
    return found.sort();
  }

  it('should count events of a type in a window, a repeated one once, each tenant on its own', async () => {
    const twice = event('repeats', 'viewed', 1);
    await store(
      ...[1, 2, 3].map((days) => event('three', 'viewed', days)),
      ...[1, 30].map((days) => event('one recently', 'viewed', days)),
      twice,
      again(twice),
      again(twice),
      event('other type', 'clicked', 1),
      event('other type', 'clicked', 1),
      ...[1, 2, 3].map((days) => event('foreign', 'viewed', days, '{}', 'globex')),
      event('three', 'viewed', 1, '{}', 'globex'),
    );
    const viewed = { eventType: 'viewed' };

    expect(await users(eventCount('acme', { ...viewed, atLeast: 1 }))).toEqual(['one recently', 'repeats', 'three']);
    expect(await users(eventCount('acme', { ...viewed, atLeast: 2 }))).toEqual(['one recently', 'three']);
    expect(await users(eventCount('acme', { ...viewed, atLeast: 2, since: daysAgo(7) }))).toEqual(['three']);
    expect(await users(eventCount('acme', { ...viewed, atLeast: 2, since: daysAgo(3), until: daysAgo(2) }))).toEqual(
      [],
    );
    expect(await users(eventCount('acme', { ...viewed, atLeast: 1, until: daysAgo(7) }))).toEqual(['one recently']);
    expect(await users(eventCount('globex', { ...viewed, atLeast: 1 }))).toEqual(['foreign', 'three']);
    expect(await users(eventCount("acme' OR '1'='1", { ...viewed, atLeast: 1 }))).toEqual([]);
  });

  it('should find who was active since a time, and who lapsed before it', async () => {
    await store(
      event('active', 'opened', 20),
      event('active', 'opened', 1),
      event('lapsed', 'opened', 20),
      event('lapsed', 'opened', 15),
      event('lapsed', 'opened', 1, '{}', 'globex'),
      event('exactly', 'opened', 10),
    );
    const opened = { eventType: 'opened', since: daysAgo(10) };

    expect(await users(recency('acme', { ...opened, state: 'active' }))).toEqual(['active', 'exactly']);
    expect(await users(recency('acme', { ...opened, state: 'lapsed' }))).toEqual(['lapsed']);
    expect(await users(recency('globex', { ...opened, state: 'active' }))).toEqual(['lapsed']);
  });

  it('should add up and average a numeric property, a repeated event once', async () => {
    const twice = event('repeats', 'ordered', 1, '{"total":60}');
    await store(
      event('adds up', 'ordered', 1, '{"total":60.5}'),
      event('adds up', 'ordered', 2, '{"nested":{"total":1000},"total":"39.5"}'),
      event('adds up', 'ordered', 2, '{"total":null}'),
      twice,
      again(twice),
      event('long ago', 'ordered', 40, '{"total":1e3}'),
      event('beyond 64 bits', 'ordered', 1, `{"order":${HUGE},"s":"\\ud800","total":150,"more":[${HUGE},${HUGE}]}`),
      event('without', 'ordered', 1, '{"other":500}'),
      event('adds up', 'ordered', 1, '{"total":1000}', 'globex'),
    );
    const total = { eventType: 'ordered', property: 'total' };

    const all = ['adds up', 'beyond 64 bits', 'long ago'];
    expect(await users(numericProperty('acme', { ...total, aggregate: 'sum', atLeast: 100 }))).toEqual(all);
    expect(await users(numericProperty('acme', { ...total, aggregate: 'sum', atLeast: 100.01 }))).toEqual(all.slice(1));
    expect(
      await users(numericProperty('acme', { ...total, aggregate: 'sum', atLeast: 100, since: daysAgo(7) })),
    ).toEqual(all.slice(0, 2));
    expect(await users(numericProperty('acme', { ...total, aggregate: 'avg', atLeast: 55 }))).toEqual([
      'beyond 64 bits',
      'long ago',
      'repeats',
    ]);
    expect(await users(numericProperty('globex', { ...total, aggregate: 'avg', atLeast: 55 }))).toEqual(['adds up']);
  });

  it('should compare a property of the latest event, by its type', async () => {
    await store(
      event('now gold', 'levelled', 5, '{"level":"silver"}'),
      event('now gold', 'levelled', 1, '{"level":"gold","points":10,"vip":true}'),
      event('was gold', 'levelled', 1, '{"level":"silver","points":10.5,"vip":false}'),
      event('was gold', 'levelled', 5, '{"level":"gold","points":10,"vip":true}'),
      event('dotted', 'levelled', 1, '{"a.b":1,"a":{"b":2},"":"empty","ünï":"😀"}'),
      event('was gold', 'levelled', 0, '{"level":"gold"}', 'globex'),
    );
    const latest = (property: string, value: string | number | boolean, tenantId = 'acme') =>
      users(latestProperty(tenantId, { eventType: 'levelled', property, value }));

    expect(await latest('level', 'gold')).toEqual(['now gold']);
    expect(await latest('points', 10)).toEqual(['now gold']);
    expect(await latest('points', 10.5)).toEqual(['was gold']);
    expect(await latest('vip', true)).toEqual(['now gold']);
    expect(await latest('vip', false)).toEqual(['was gold']);
    expect(await latest('a.b', 1)).toEqual(['dotted']);
    expect(await latest('', 'empty')).toEqual(['dotted']);
    expect(await latest('ünï', '😀')).toEqual(['dotted']);
    expect(await latest('level', 'gold', 'globex')).toEqual(['was gold']);
  });

  it('should compare the properties that users have now, replaced and not merged', async () => {
    await store(
      event('ann', 'context_identified', 5, '{"plan":"free","country":"DE"}'),
      event('ann', 'context_identified', 1, '{"plan":"pro"}'),
      event('ben', 'context_identified', 1, '{"plan":"free","country":"DE"}'),
      event('ben', 'context_identified', 2, '{"plan":"pro","country":"FR"}'),
      event('ann', 'context_identified', 0, '{"plan":"free"}', 'globex'),
    );

    expect(await users(userProperty('acme', { property: 'plan', value: 'pro' }))).toEqual(['ann']);
    expect(await users(userProperty('acme', { property: 'plan', value: 'free' }))).toEqual(['ben']);
    expect(await users(userProperty('acme', { property: 'country', value: 'DE' }))).toEqual(['ben']);
    expect(await users(userProperty('globex', { property: 'plan', value: 'free' }))).toEqual(['ann']);
  });

  it('should find one event followed by another within days, whatever the order of arrival', async () => {
    const [added, bought] = ['added', 'bought'];
    const late = event('restarts', added, 6);
    await store(
      event('in time', added, 9),
      event('in time', bought, 2),
      event('too late', added, 9),
      event('too late', bought, 1.99),
      event('wrong order', bought, 9),
      event('wrong order', added, 8),
      event('restarts', added, 20),
      event('restarts', bought, 5),
      late,
      again(late),
      event('only first', added, 3),
      event('wrong order', bought, 1, '{}', 'globex'),
    );

    expect(await users(sequence('acme', { first: added, then: bought, withinDays: 7 }))).toEqual([
      'in time',
      'restarts',
    ]);
    expect(await users(sequence('globex', { first: added, then: bought, withinDays: 7 }))).toEqual([]);
    expect(() => sequence('acme', { first: added, then: added, withinDays: 7 })).toThrow(RangeError);
  });

  describe.each([
    ['in the same month', 0],
    ['over a month’s end', 31 * 86_400_000_000],
  ])('of an event with two copies, %s', (_, apartUs) => {
    describe.each(['the later one stored last', 'the later one stored first'])('%s', (order) => {
      describe.each([
        ['under an id of a request', 7],
        ['under the key of a caller', 8],
      ] as const)('%s', (_, version) => {
        let tenantId: string;
        beforeEach(() => {
          tenantId = `copies-${tenants++}`;
        });
        /** The first as stored first of all, the other as a copy; a keyed one is always taken for a copy. */
        const storeTwice = async (eventType: string, first: [days: number, payload: string], last: typeof first) => {
          const id = withVersion(uuid7Bytes(), version);
          const copies = [first, last].map(([days, payload], index) => ({
            row: {
              ...event('u', eventType, days, payload, tenantId),
              ...{ id, receivedAt: (received += 1_000_000) - (1 - index) * apartUs },
            },
            mayHaveCopies: version === 7 && index === 0 ? (0 as const) : (1 as const),
          }));
          if (order === 'the later one stored first') copies.reverse();
          for (const { row, mayHaveCopies } of copies) await storeRows(client, [row], { mayHaveCopies });
        };

        it('should count it by the time of the copy received last', async () => {
          await storeTwice('viewed', [1, '{}'], [20, '{}']);
          await storeTwice('clicked', [20, '{}'], [1, '{}']);
          const inWeek = (eventType: string) =>
            users(eventCount(tenantId, { eventType, atLeast: 1, since: daysAgo(7) }));
          expect(await inWeek('viewed')).toEqual([]);
          expect(await inWeek('clicked')).toEqual(['u']);
          expect(await users(eventCount(tenantId, { eventType: 'viewed', atLeast: 1, until: daysAgo(7) }))).toEqual([
            'u',
          ]);
          expect(await users(eventCount(tenantId, { eventType: 'viewed', atLeast: 2 }))).toEqual([]);
        });

        it('should take numbers from the copy received last, also when it has none', async () => {
          await storeTwice('ordered', [1, '{"total":1000}'], [2, '{"total":10}']);
          const total = (aggregate: 'sum' | 'avg', atLeast: number) =>
            users(numericProperty(tenantId, { eventType: 'ordered', property: 'total', aggregate, atLeast }));
          for (const aggregate of ['sum', 'avg'] as const) {
            expect(await total(aggregate, 10)).toEqual(['u']);
            expect(await total(aggregate, 10.01)).toEqual([]);
          }
          await storeTwice('refunded', [1, '{"total":1000}'], [2, '{}']);
          const refunded = { eventType: 'refunded', property: 'total', aggregate: 'sum', atLeast: 1 } as const;
          expect(await users(numericProperty(tenantId, refunded))).toEqual([]);
        });

        it('should tell the active from the lapsed by the copy received last', async () => {
          await storeTwice('opened', [1, '{}'], [20, '{}']);
          const opened = { eventType: 'opened', since: daysAgo(10) };
          expect(await users(recency(tenantId, { ...opened, state: 'lapsed' }))).toEqual(['u']);
          expect(await users(recency(tenantId, { ...opened, state: 'active' }))).toEqual([]);
        });

        it('should take the latest property from the copy received last, though another says that it occurred later', async () => {
          await storeTwice('levelled', [1, '{"level":"gold"}'], [5, '{"level":"silver"}']);
          const level = (value: string) =>
            users(latestProperty(tenantId, { eventType: 'levelled', property: 'level', value }));
          expect(await level('silver')).toEqual(['u']);
          expect(await level('gold')).toEqual([]);
        });

        it('should see a sequence in the copies received last only', async () => {
          await store(event('u', 'bought', 5, '{}', tenantId));
          await storeTwice('added', [6, '{}'], [4, '{}']);
          const added = { first: 'added', then: 'bought', withinDays: 7 };
          expect(await users(sequence(tenantId, added))).toEqual([]);
          await storeTwice('seen', [4, '{}'], [6, '{}']);
          expect(await users(sequence(tenantId, { ...added, first: 'seen' }))).toEqual(['u']);
        });
      });
    });
  });
});
