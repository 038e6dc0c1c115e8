import type { ClickHouseClient } from '@clickhouse/client';

/**
 * The user's properties: the payload of the latest `context_identified` event, as it was sent.
 * @returns JSON text of an object; undefined when the user was never identified
 */
export async function userProperties(
  client: ClickHouseClient,
  tenantId: string,
  userId: string,
): Promise<string | undefined> {
  const result = await client.query({
    query: `
      SELECT properties FROM user_properties
      WHERE tenant_id = {tenantId: String} AND user_id = {userId: String}
      ORDER BY version DESC LIMIT 1`,
    query_params: { tenantId, userId },
    format: 'JSONEachRow',
  });
  const [row] = await result.json<{ properties: string }>();
  return row?.properties;
}
