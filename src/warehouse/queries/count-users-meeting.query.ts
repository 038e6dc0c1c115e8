import type { ClickHouseClient } from '@clickhouse/client';
import { OF_ONE_MOMENT } from './events-once.js';
import type { UserCondition } from './user-condition.js';

/** How many users meet the condition. */
export async function countUsersMeeting(client: ClickHouseClient, { sql, params }: UserCondition): Promise<number> {
  const result = await client.query({
    query: `SELECT count() FROM (${sql})`,
    query_params: params,
    format: 'JSONCompactEachRow',
    clickhouse_settings: OF_ONE_MOMENT,
  });
  const [row] = await result.json<[string | number]>();
  return Number(row?.[0] ?? 0);
}
