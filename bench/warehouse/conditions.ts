// Every segment condition on ten million events of one tenant, beside uniqExact(user_id) over the same rows.
import type { ClickHouseClient } from '@clickhouse/client';
import { countUsersMeeting } from '../../src/warehouse/queries/users-meeting.query.js';
import {
  eventCount,
  latestProperty,
  numericProperty,
  recency,
  sequence,
  type UserCondition,
  userProperty,
} from '../../src/warehouse/queries/segment-conditions.js';
import { userProperties } from '../../src/warehouse/queries/user-properties.query.js';
import type { Table } from '../figure.js';
import { END } from './dataset.js';
import { best, rowsOf } from './measure.js';

const since = new Date(END.getTime() - 7 * 86_400_000);
/** One of every kind, on a rare type and on the most frequent one. */
export const CONDITIONS: readonly (readonly [name: string, condition: UserCondition])[] = [
  ['page_viewed ≥ 50 (4.0 M rows)', eventCount('acme', { eventType: 'page_viewed', atLeast: 50 })],
  ['page_viewed ≥ 5 in 7 days', eventCount('acme', { eventType: 'page_viewed', atLeast: 5, since })],
  ['order_placed ≥ 3 (0.5 M rows)', eventCount('acme', { eventType: 'order_placed', atLeast: 3 })],
  ['page_viewed, lapsed for 7 days', recency('acme', { eventType: 'page_viewed', since, state: 'lapsed' })],
  [
    'order_placed: sum(total) ≥ 1000',
    numericProperty('acme', { eventType: 'order_placed', property: 'total', aggregate: 'sum', atLeast: 1000 }),
  ],
  [
    'order_placed: avg(total) ≥ 300',
    numericProperty('acme', { eventType: 'order_placed', property: 'total', aggregate: 'avg', atLeast: 300 }),
  ],
  [
    'page_viewed: sum(price) ≥ 5000 (4.0 M rows)',
    numericProperty('acme', { eventType: 'page_viewed', property: 'price', aggregate: 'sum', atLeast: 5000 }),
  ],
  [
    'page_viewed: sum(price) ≥ 500 in 7 days',
    numericProperty('acme', { eventType: 'page_viewed', property: 'price', aggregate: 'sum', atLeast: 500, since }),
  ],
  [
    'order_placed: latest currency = EUR',
    latestProperty('acme', { eventType: 'order_placed', property: 'currency', value: 'EUR' }),
  ],
  [
    'page_viewed: latest logged_in = true (4.0 M rows)',
    latestProperty('acme', { eventType: 'page_viewed', property: 'logged_in', value: true }),
  ],
  ['user property plan = pro', userProperty('acme', { property: 'plan', value: 'pro' })],
  [
    'product_added, then order_placed in 7 days',
    sequence('acme', { first: 'product_added', then: 'order_placed', withinDays: 7 }),
  ],
  [
    'page_viewed, then order_placed in 7 days (4.5 M rows)',
    sequence('acme', { first: 'page_viewed', then: 'order_placed', withinDays: 7 }),
  ],
];

/** What every condition is compared with. */
export const BASELINE = "SELECT uniqExact(user_id) FROM events WHERE tenant_id = 'acme'";

export async function measureConditions(client: ClickHouseClient, title: string): Promise<Table> {
  const baseline = await best(() => rowsOf(client, BASELINE), 5);
  const row = (name: string, users: number, ms: number): (string | number)[] => [
    name,
    users,
    ms.toFixed(0),
    `${(ms / baseline).toFixed(2)} ×`,
  ];
  const rows = [row('baseline: uniqExact(user_id)', 100_000, baseline)];
  for (const [name, condition] of CONDITIONS) {
    const users = await countUsersMeeting(client, condition);
    rows.push(row(name, users, await best(() => countUsersMeeting(client, condition))));
  }
  const [[userId] = []] = await rowsOf(client, "SELECT user_id FROM user_properties WHERE tenant_id = 'acme' LIMIT 1");
  rows.push(row('properties of one user', 1, await best(() => userProperties(client, 'acme', String(userId)), 10)));
  return { title, header: ['condition', 'users', 'ms', 'to the baseline'], rows };
}

export async function measureCounting(client: ClickHouseClient): Promise<Table> {
  const where = "WHERE tenant_id = 'acme'";
  const rows: string[][] = [];
  const expressions: readonly (readonly [name: string, sql: string, note: string])[] = [
    ['count()', `SELECT count() FROM events ${where}`, 'counts repeats until they are merged'],
    ['count() FINAL', `SELECT count() FROM events FINAL ${where}`, 'exact'],
    [
      'count() FINAL, partitions apart',
      `SELECT count() FROM events FINAL ${where} SETTINGS do_not_merge_across_partitions_select_final = 1`,
      'misses repeats across months',
    ],
    ['uniqExact(id)', `SELECT uniqExact(id) FROM events ${where}`, 'exact'],
    ['count() of events_once', "SELECT count() FROM events_once(tenant = 'acme')", 'exact'],
    [
      'countIf + uniqExactIf(id)',
      `SELECT countIf(event_id = '') + uniqExactIf(id, event_id != '') FROM events ${where}`,
      'exact while no batch outlives the window',
    ],
  ];
  for (const [name, sql, note] of expressions) {
    rows.push([name, (await best(() => rowsOf(client, sql))).toFixed(0), note]);
  }
  return { title: 'Counting 10 million events, as loaded', header: ['expression', 'ms', ''], rows };
}
