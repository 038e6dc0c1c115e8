import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import { SHOPIFY_EVENT_ID_PREFIX, type Subject } from './erasures.js';
import { WarehouseCluster } from './clickhouse.client.js';
import { WarehouseUnavailableError } from './warehouse.errors.js';

/** What a redaction is about. */
export type RedactionScope =
  /**
   * All that is known of these users of the tenant, in whatever case their ids are written, and these orders of its shop,
   * whoever they are stored for.
   */
  | { readonly kind: 'users'; readonly userIds: readonly string[]; readonly orderIds: readonly string[] }
  /** What came from the tenant's shop, and all of users who did nothing elsewhere. */
  | { readonly kind: 'shop' };

/** How many rows a redaction removed. */
export interface Redacted {
  readonly events: number;
  readonly properties: number;
  readonly errors: number;
}

/** What rows that are not stored yet are recognised by. Who did nothing outside the shop, only the warehouse can tell. */
export function subjectsOf(scope: RedactionScope): Subject[] {
  return scope.kind === 'shop'
    ? ['shop']
    : [
        ...scope.userIds.map((userId) => `user ${userId}` as const),
        ...scope.orderIds.map((orderId) => `order ${orderId}` as const),
      ];
}

const OF_TENANT = 'tenant_id = {tenantId: String}';
const ACCEPTED_BEFORE = 'received_at < fromUnixTimestamp64Milli({acceptedBefore: Int64})';
const RECORDED_BEFORE = 'ts < fromUnixTimestamp64Milli({acceptedBefore: Int64})';
/** Of a DateTime64. */
const LATEST_TIME = Date.UTC(2299, 11, 31);
const ASK_EVERY_MS = 100;
const REWRITTEN_WITHIN_MS = 15 * 60_000;

interface Condition {
  readonly table: 'events' | 'user_properties' | 'ingestion_errors';
  /** @param events the table of events that it looks into, where it does */
  readonly where: (events: string) => string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/**
 * Removes personal data for good. A mutation and not a lightweight delete: that would only hide the rows until some merge,
 * while a mutation has rewritten every part that holds one when it returns. Repeating it does no harm.
 */
export class Redactor {
  private readonly cluster: WarehouseCluster | undefined;

  constructor(private readonly client: ClickHouseClient) {
    this.cluster = WarehouseCluster.of(client);
  }

  /**
   * Removes what is stored, until nothing of it is found any more.
   * @param acceptedBefore what was accepted at that time, in ms since 1970, or later is kept
   * @throws Error when ClickHouse did not carry it out; part of it may be done
   */
  async redact(tenantId: string, scope: RedactionScope, acceptedBefore = LATEST_TIME): Promise<Redacted> {
    const removed = { events: 0, user_properties: 0, ingestion_errors: 0 };
    const conditions = scope.kind === 'users' ? ofUsers(scope) : OF_SHOP;
    let found: number;
    do {
      found = 0;
      for (const condition of conditions) {
        const rows = await this.remove(condition, { tenantId, acceptedBefore, ...condition.parameters });
        removed[condition.table] += rows;
        // A user's errors are removed whenever they were recorded, so that more may come; of the others none can.
        if (condition.table !== 'ingestion_errors') found += rows;
      }
    } while (found > 0);
    return { events: removed.events, properties: removed.user_properties, errors: removed.ingestion_errors };
  }

  private async remove({ table, where }: Condition, query_params: Record<string, unknown>): Promise<number> {
    const result = await this.client.query({
      query: `SELECT count() AS rows FROM ${table} WHERE ${OF_TENANT} AND ${where('events')}`,
      query_params,
      format: 'JSONEachRow',
    });
    const [found] = await result.json<{ rows: string | number }>();
    const rows = Number(found?.rows ?? 0);
    if (rows > 0) {
      await this.client.command({
        query: this.deletion(table, where),
        query_params,
        // Some servers wait by default, and longer than the client does.
        clickhouse_settings: {
          mutations_sync: '0',
          // Replicas are asked one by one who is known from where. They answer alike: a user's events are all in their shard.
          ...(this.cluster && { allow_nondeterministic_mutations: 1 }),
        },
      });
      await this.mutationsDone(table);
      if (table === 'events' && this.cluster === undefined) await this.dropEmptyParts();
    }
    return rows;
  }

  private deletion(table: Condition['table'], where: Condition['where']): string {
    return this.cluster === undefined
      ? `ALTER TABLE ${table} DELETE WHERE ${OF_TENANT} AND ${where('events')}`
      : `ALTER TABLE ${this.cluster.localTable(table)} ${this.cluster.clause}
         DELETE WHERE ${OF_TENANT} AND ${where(this.cluster.localTable('events'))}`;
  }

  /**
   * A part of which nothing is left has no projections, and ClickHouse merges it with none that has them: `OPTIMIZE … FINAL` fails
   * (CANNOT_ASSIGN_OPTIMIZE, 388) until the server looks for empty parts, minutes later. It does so at once after a partition was
   * dropped, here one that there cannot be. On a cluster that is left to the servers.
   */
  private async dropEmptyParts(): Promise<void> {
    await this.client.command({ query: 'ALTER TABLE events DROP PARTITION 190001' });
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
        SELECT count() AS pending FROM ${this.cluster ? 'clusterAllReplicas({cluster: String}, system.mutations)' : 'system.mutations'}
        WHERE database = ${this.cluster ? '{database: String}' : 'currentDatabase()'}
          AND table = {table: String} AND NOT is_done AND NOT is_killed`,
      query_params: { table, cluster: this.cluster?.name, database: this.cluster?.localDatabase },
      format: 'JSONEachRow',
    });
    const [found] = await result.json<{ pending: string | number }>();
    return Number(found?.pending ?? 0) > 0;
  }
}

/** Shops keep an address in lower case, orders and checkouts as it was typed, and so do events. */
const IS_ONE_OF_USERS = 'has(arrayMap(id -> lowerUTF8(id), {userIds: Array(String)}), lowerUTF8(user_id))';
const IS_FROM_SHOP = `startsWith(event_id, {prefix: String}) AND ${ACCEPTED_BEFORE}`;

function ofUsers({ userIds, orderIds }: RedactionScope & { kind: 'users' }): readonly Condition[] {
  // A schema of the tenant may have made a number of it.
  const orderId = `trim(BOTH '"' FROM JSONExtractRaw(payload, 'order_id'))`;
  return [
    { table: 'user_properties', where: () => `${IS_ONE_OF_USERS} AND ${ACCEPTED_BEFORE}`, parameters: { userIds } },
    { table: 'ingestion_errors', where: () => IS_ONE_OF_USERS, parameters: { userIds } },
    {
      table: 'events',
      where: () =>
        `${ACCEPTED_BEFORE} AND (${IS_ONE_OF_USERS} OR ${IS_FROM_SHOP} AND ${orderId} IN {orderIds: Array(String)})`,
      parameters: { userIds, orderIds, prefix: SHOPIFY_EVENT_ID_PREFIX },
    },
  ];
}

/** Users who did nothing but in the shop; who they are may have been told by the tenant itself. */
const isOnlyInShop = (events: string): string => `user_id IN (
  SELECT user_id FROM ${events} WHERE tenant_id = {tenantId: String}
  GROUP BY user_id
  HAVING countIf(${IS_FROM_SHOP}) > 0 AND countIf(NOT (${IS_FROM_SHOP}) AND event_type != 'context_identified') = 0)`;

/**
 * The shop's events come last and by themselves: they tell which users are known from nowhere else. A mutation that removed
 * both would, when the server restarts half-way, ask what is left of them and pass over the others.
 */
const OF_SHOP: readonly Condition[] = (
  [
    { table: 'user_properties', where: (events: string) => `${ACCEPTED_BEFORE} AND ${isOnlyInShop(events)}` },
    {
      table: 'ingestion_errors',
      where: (events: string) => `(source = 'shopify' AND ${RECORDED_BEFORE} OR ${isOnlyInShop(events)})`,
    },
    {
      table: 'events',
      where: (events: string) => `${ACCEPTED_BEFORE} AND NOT (${IS_FROM_SHOP}) AND ${isOnlyInShop(events)}`,
    },
    { table: 'events', where: () => IS_FROM_SHOP },
  ] as const
).map((condition) => ({ ...condition, parameters: { prefix: SHOPIFY_EVENT_ID_PREFIX } }));
