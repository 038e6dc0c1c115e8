import type { ClickHouseClient } from '@clickhouse/client';
import { OF_ONE_MOMENT } from './events-once.js';
import type { UserCondition } from './segment-conditions.js';

/** The ids of the users who meet the condition, in no particular order. */
export async function usersMeeting(client: ClickHouseClient, { sql, params }: UserCondition): Promise<string[]> {
  const result = await client.query({
    query: sql,
    query_params: params,
    format: 'JSONCompactEachRow',
    clickhouse_settings: OF_ONE_MOMENT,
  });
  const rows = await result.json<[string]>();
  return rows.map(([userId]) => userId);
}

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
