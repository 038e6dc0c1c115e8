import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import { WarehouseUnavailableError } from './warehouse-unavailable.error.js';

/** What a redaction is about. */
export type RedactionScope =
  /** All that is known of these users of the tenant, and these orders of its shop, whoever they are stored for. */
  | { readonly kind: 'users'; readonly userIds: readonly string[]; readonly orderIds: readonly string[] }
  /** What came from the tenant's shop, and all of users who did nothing elsewhere. */
  | { readonly kind: 'shop' };

/** How many rows a redaction removed. */
export interface Redacted {
  readonly events: number;
  readonly properties: number;
  readonly errors: number;
}

/** The start of the `event_id` of events that came from Shopify. */
export const SHOPIFY_EVENT_ID_PREFIX = 'shopify:';

const ASK_EVERY_MS = 100;
const REWRITTEN_WITHIN_MS = 15 * 60_000;

interface Condition {
  readonly table: 'events' | 'user_properties' | 'ingestion_errors';
  readonly sql: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/**
 * Removes personal data for good. A mutation and not a lightweight delete: that would only hide the rows until some merge,
 * while a mutation has rewritten every part that holds one when it returns. Repeating it does no harm.
 */
export class Redactor {
  constructor(private readonly client: ClickHouseClient) {}

  /** @throws Error when ClickHouse did not carry it out; part of it may be done */
  async redact(tenantId: string, scope: RedactionScope): Promise<Redacted> {
    // Properties first: which users are known from nowhere else is told by the events.
    const properties = await this.remove(tenantId, propertiesOf(scope));
    const events = await this.remove(tenantId, eventsOf(scope));
    const errors = await this.remove(tenantId, errorsOf(scope));
    return { events, properties, errors };
  }

  private async remove(tenantId: string, { table, sql, parameters }: Condition): Promise<number> {
    const condition = `tenant_id = {tenantId: String} AND ${sql}`;
    const query_params = { tenantId, ...parameters };
    const result = await this.client.query({
      query: `SELECT count() AS rows FROM ${table} WHERE ${condition}`,
      query_params,
      format: 'JSONEachRow',
    });
    const [found] = await result.json<{ rows: string | number }>();
    const rows = Number(found?.rows ?? 0);
    if (rows > 0) {
      await this.client.command({
        query: `ALTER TABLE ${table} DELETE WHERE ${condition}`,
        query_params,
        // Some servers wait by default, and longer than the client does.
        clickhouse_settings: { mutations_sync: '0' },
      });
      await this.mutationsDone(table);
    }
    return rows;
  }

  /** By asking, as rewriting a large table takes longer than a request may. */
  private async mutationsDone(table: Condition['table']): Promise<void> {
    const deadline = performance.now() + REWRITTEN_WITHIN_MS;
    while (await this.hasMutations(table)) {
      if (performance.now() > deadline) {
        throw new WarehouseUnavailableError(`ClickHouse did not rewrite ${table} within ${REWRITTEN_WITHIN_MS} ms`);
      }
      await sleep(ASK_EVERY_MS);
    }
  }

  private async hasMutations(table: Condition['table']): Promise<boolean> {
    const result = await this.client.query({
      query: `
        SELECT count() AS pending FROM system.mutations
        WHERE database = currentDatabase() AND table = {table: String} AND NOT is_done AND NOT is_killed`,
      query_params: { table },
      format: 'JSONEachRow',
    });
    const [found] = await result.json<{ pending: string | number }>();
    return Number(found?.pending ?? 0) > 0;
  }
}

/** Users who did nothing but in the shop; who they are may have been told by the tenant itself. */
const ONLY_IN_SHOP = `(
  SELECT user_id FROM events WHERE tenant_id = {tenantId: String}
  GROUP BY user_id
  HAVING countIf(startsWith(event_id, {prefix: String})) > 0
     AND countIf(NOT startsWith(event_id, {prefix: String}) AND event_type != 'context_identified') = 0)`;

function eventsOf(scope: RedactionScope): Condition {
  return scope.kind === 'users'
    ? {
        table: 'events',
        sql: `(user_id IN {userIds: Array(String)} OR startsWith(event_id, {prefix: String})
          AND JSONExtractString(payload, 'order_id') IN {orderIds: Array(String)})`,
        parameters: { userIds: scope.userIds, orderIds: scope.orderIds, prefix: SHOPIFY_EVENT_ID_PREFIX },
      }
    : {
        table: 'events',
        sql: `(startsWith(event_id, {prefix: String}) OR user_id IN ${ONLY_IN_SHOP})`,
        parameters: { prefix: SHOPIFY_EVENT_ID_PREFIX },
      };
}

function propertiesOf(scope: RedactionScope): Condition {
  return scope.kind === 'users'
    ? { table: 'user_properties', sql: 'user_id IN {userIds: Array(String)}', parameters: { userIds: scope.userIds } }
    : {
        table: 'user_properties',
        sql: `user_id IN ${ONLY_IN_SHOP}`,
        parameters: { prefix: SHOPIFY_EVENT_ID_PREFIX },
      };
}

function errorsOf(scope: RedactionScope): Condition {
  return scope.kind === 'users'
    ? { table: 'ingestion_errors', sql: 'user_id IN {userIds: Array(String)}', parameters: { userIds: scope.userIds } }
    : { table: 'ingestion_errors', sql: `source = 'shopify'`, parameters: {} };
}
