import type { ClickHouseClient } from '@clickhouse/client';
import { type FreshDatabase, freshClickHouseDatabase } from '../../test/support/servers.js';
import { createClickHouseClient } from './clickhouse.client.js';
import { Migrator } from './migrator.js';

/** As docs/warehouse.md proposes. */
const TTL = `
  ALTER TABLE events MODIFY TTL
    toDateTime(received_at) + INTERVAL 13 MONTH,
    toDateTime(received_at) + INTERVAL 1 MONTH DELETE WHERE tenant_id IN ('free-1', 'free-2')`;

describe('Retention by tenant', () => {
  let database: FreshDatabase;
  let client: ClickHouseClient;

  beforeEach(async () => {
    database = await freshClickHouseDatabase();
    client = createClickHouseClient(database.url, 4);
    await new Migrator(client, database.url).migrate();
  });
  afterEach(async () => {
    await client.close();
    await database.drop();
  });

  it('should keep events of the tenants named for their time, those of others for the usual one', async () => {
    await client.command({ query: TTL });
    await client.command({
      query: `
        INSERT INTO events (tenant_id, event_type, user_id, id, received_at)
        SELECT tenant, 'page_viewed', toString(days), generateUUIDv4(), now64(6) - toIntervalDay(days)
        FROM (SELECT arrayJoin(['free-1', 'free-2', 'paid']) AS tenant) AS tenants, (SELECT arrayJoin([1, 60, 500]) AS days) AS ages`,
    });
    await client.command({ query: 'OPTIMIZE TABLE events FINAL' });
    const result = await client.query({
      query: `SELECT tenant_id, arraySort(groupArray(toUInt32(user_id))) FROM events GROUP BY tenant_id ORDER BY tenant_id`,
      format: 'JSONCompactEachRow',
    });
    expect(await result.json()).toEqual([
      ['free-1', [1]],
      ['free-2', [1]],
      ['paid', [1, 60]],
    ]);
  });
});
