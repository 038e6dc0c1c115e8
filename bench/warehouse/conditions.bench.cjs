// Every segment condition on ten million events of one tenant, beside uniqExact(user_id) over the same rows.
const { countUsersMeeting } = require('../../dist/warehouse/queries/count-users-meeting.query.js');
const { eventCount } = require('../../dist/warehouse/queries/event-count.condition.js');
const { latestProperty } = require('../../dist/warehouse/queries/latest-property.condition.js');
const { numericProperty } = require('../../dist/warehouse/queries/numeric-property.condition.js');
const { recency } = require('../../dist/warehouse/queries/recency.condition.js');
const { sequence } = require('../../dist/warehouse/queries/sequence.condition.js');
const { userProperties } = require('../../dist/warehouse/queries/user-properties.query.js');
const { userProperty } = require('../../dist/warehouse/queries/user-property.condition.js');
const { END } = require('./dataset.cjs');
const { best, table } = require('./measure.cjs');

const since = new Date(END.getTime() - 7 * 86_400_000);
const CONDITIONS = [
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

async function measureConditions(client, title) {
  const query = async (sql) => (await client.query({ query: sql, format: 'JSONCompactEachRow' })).text();
  const baseline = await best(() => query("SELECT uniqExact(user_id) FROM events WHERE tenant_id = 'acme'"), 5);
  const row = (name, users, ms) => [name, users, ms.toFixed(0), `${(ms / baseline).toFixed(2)} ×`];
  const rows = [row('baseline: uniqExact(user_id)', 100_000, baseline)];
  for (const [name, condition] of CONDITIONS) {
    const users = await countUsersMeeting(client, condition);
    rows.push(row(name, users, await best(() => countUsersMeeting(client, condition))));
  }
  const [[userId]] = JSON.parse(
    `[${await query("SELECT user_id FROM user_properties WHERE tenant_id = 'acme' LIMIT 1")}]`,
  );
  rows.push(row('properties of one user', 1, await best(() => userProperties(client, 'acme', userId), 10)));
  table(title, ['condition', 'users', 'ms', 'to the baseline'], rows);
}

async function measureCounting(client) {
  const query = (sql) => async () => (await client.query({ query: sql, format: 'JSONCompactEachRow' })).text();
  const where = "WHERE tenant_id = 'acme'";
  const rows = [];
  for (const [name, sql, note] of [
    ['count()', `SELECT count() FROM events ${where}`, 'counts repeats until they are merged'],
    ['count() FINAL', `SELECT count() FROM events FINAL ${where}`, 'exact'],
    [
      'count() FINAL, partitions apart',
      `SELECT count() FROM events FINAL ${where} SETTINGS do_not_merge_across_partitions_select_final = 1`,
      'misses repeats across months',
    ],
    ['uniqExact(id)', `SELECT uniqExact(id) FROM events ${where}`, 'exact'],
    [
      'countIf + uniqExactIf(id)',
      `SELECT countIf(event_id = '') + uniqExactIf(id, event_id != '') FROM events ${where}`,
      'exact while no batch outlives the window',
    ],
  ]) {
    rows.push([name, (await best(query(sql))).toFixed(0), note]);
  }
  table('Counting 10 million events, as loaded', ['expression', 'ms', ''], rows);
}

module.exports = { measureConditions, measureCounting };
