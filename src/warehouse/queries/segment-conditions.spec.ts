import type { ClickHouseClient } from '@clickhouse/client';
import { type FreshDatabase, freshClickHouseDatabase } from '../../../test/support/servers.js';
import { uuid7, uuid7Bytes } from '../../common/uuid7.js';
import { createClickHouseClient } from '../clickhouse.client.js';
import type { EventRow } from '../event-row.js';
import { EventRowEncoder } from '../event-row.encoder.js';
import { EventWriter } from '../event.writer.js';
import { Migrator } from '../migrator.js';
import { countUsersMeeting } from './count-users-meeting.query.js';
import { eventCount } from './event-count.condition.js';
import { latestProperty } from './latest-property.condition.js';
import { numericProperty } from './numeric-property.condition.js';
import { recency } from './recency.condition.js';
import { sequence } from './sequence.condition.js';
import type { UserCondition } from './user-condition.js';
import { userProperty } from './user-property.condition.js';
import { usersMeeting } from './users-meeting.query.js';

const NOW = Date.UTC(2026, 5, 15, 12);
const HUGE = '123456789012345678901234567890';
const daysAgo = (days: number) => new Date(NOW - days * 86_400_000);

describe('segment conditions', () => {
  let database: FreshDatabase;
  let client: ClickHouseClient;
  let received = NOW * 1000;

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

  /** Every event in a batch of its own, so that nothing is collapsed on the way in. */
  async function store(...events: EventRow[]): Promise<void> {
    const writer = new EventWriter(client);
    const encoder = new EventRowEncoder();
    for (const row of events) {
      encoder.append(row);
      await writer.store({ id: uuid7(), rows: encoder.take() });
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
});
