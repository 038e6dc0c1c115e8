import type { ClickHouseClient } from '@clickhouse/client';
import type { UserCondition } from './user-condition.js';

/** How many users meet the condition. */
export async function countUsersMeeting(client: ClickHouseClient, { sql, params }: UserCondition): Promise<number> {
  const result = await client.query({
    query: `SELECT count() FROM (${sql})`,
    query_params: params,
    format: 'JSONCompactEachRow',
  });
  const [row] = await result.json<[string | number]>();
  return Number(row?.[0] ?? 0);
}
