import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import { WarehouseCluster } from './clickhouse.client.js';
import { WarehouseUnavailableError } from './warehouse.errors.js';

/** Whose rows are to be stored no more, if they were accepted before a moment. */
export interface Erasure {
  readonly tenantId: string;
  /** UUID in its text form; the same when it is asked for again. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly acceptedBefore: number;
  readonly subjects: readonly Subject[];
}

/** What a row can be of: a user, in whatever case the id is written; an order of the shop; the shop. */
export type Subject = `user ${string}` | `order ${string}` | 'shop';

/** The start of the `event_id` of events that came from Shopify. */
export const SHOPIFY_EVENT_ID_PREFIX = 'shopify:';

/** SQL of what changes with every erasure that is added. */
const STATE = 'toString((count(), max(at)))';
/** A part of an INSERT's WHERE: refuses the whole insert when there is an erasure that `{erasures: String}` does not count in. */
export const KNOWS_ALL_ERASURES = `(SELECT throwIf(${STATE} != {erasures: String}) FROM erasures) = 0`;
/** ClickHouse's code for that. */
export const ERASURE_UNKNOWN = '395';

const ASK_EVERY_MS = 50;
/** A worker gives an insert up after 30 s; the server may take longer to notice. */
const INSERTS_END_WITHIN_MS = 90_000;

/** The erasures of a moment. */
export class KnownErasures {
  private readonly byTenant = new Map<string, Map<string, number>>();
  /** Rows that were accepted at this time or later, in ms since 1970, are nobody's who was erased. */
  readonly newest: number = 0;

  /** @param state as ClickHouse gave it with them */
  constructor(
    readonly state: string,
    erasures: readonly (readonly [tenantId: string, acceptedBefore: number, hashes: readonly string[]])[],
  ) {
    for (const [tenantId, acceptedBefore, hashes] of erasures) {
      const ofTenant = this.byTenant.get(tenantId) ?? new Map<string, number>();
      for (const hash of hashes) ofTenant.set(hash, Math.max(acceptedBefore, ofTenant.get(hash) ?? 0));
      this.byTenant.set(tenantId, ofTenant);
      this.newest = Math.max(this.newest, acceptedBefore);
    }
  }

  /**
   * Whether a row is not to be stored.
   * @param acceptedAt milliseconds since 1970
   * @param subjects all that the row is of
   */
  cover(tenantId: string, acceptedAt: number, subjects: () => readonly Subject[]): boolean {
    const ofTenant = this.byTenant.get(tenantId);
    return (
      ofTenant !== undefined &&
      acceptedAt < this.newest &&
      subjects().some((subject) => acceptedAt < (ofTenant.get(hashOf(tenantId, subject)) ?? 0))
    );
  }
}

/**
 * The erasures that were asked for, in ClickHouse, beside the rows that they are about. An insert names the state of this table
 * that its rows were looked through with, and ClickHouse refuses it in any other ({@link KNOWS_ALL_ERASURES}). So no clock, no
 * lease and no other store has a part in it: a row of the erased that is inserted all the same was inserted by a statement that
 * had begun before {@link add}, which waits for its end.
 */
export class Erasures {
  private loading: Promise<KnownErasures> | undefined;

  constructor(private readonly client: ClickHouseClient) {}

  /** As they were when they were last asked for. @throws Error when ClickHouse cannot be asked */
  known(): Promise<KnownErasures> {
    const loading = (this.loading ??= this.load().catch((error: unknown) => {
      this.loading = undefined;
      throw error;
    }));
    return loading;
  }

  /** Has them asked for anew, as they may have changed. */
  forget(): void {
    this.loading = undefined;
  }

  /**
   * Resolves when no insert can store a row of it any more. What is stored already is still there. May be repeated.
   * @throws Error when ClickHouse did not say so; try again later
   */
  async add({ tenantId, id, acceptedBefore, subjects }: Erasure): Promise<void> {
    await this.client.insert({
      table: 'erasures',
      columns: ['tenant_id', 'id', 'accepted_before', 'subjects'],
      values: [
        {
          tenant_id: tenantId,
          id,
          accepted_before: (acceptedBefore / 1000).toFixed(3),
          subjects: subjects.map((subject) => hashOf(tenantId, subject)),
        },
      ],
      format: 'JSONEachRow',
      clickhouse_settings: { async_insert: 0, insert_deduplication_token: `${id} ${acceptedBefore}` },
    });
    this.forget();
    await this.runningInsertsEnded();
  }

  /** An insert that begins later than this asks for the state of the erasures later, too. */
  private async runningInsertsEnded(): Promise<void> {
    const deadline = performance.now() + INSERTS_END_WITHIN_MS;
    let running = await this.runningInserts();
    while (running.length > 0) {
      if (performance.now() > deadline) {
        throw new WarehouseUnavailableError(`ClickHouse did not end its inserts within ${INSERTS_END_WITHIN_MS} ms`);
      }
      await sleep(ASK_EVERY_MS);
      const stillRunning = new Set(await this.runningInserts());
      running = running.filter((id) => stillRunning.has(id));
    }
  }

  private async runningInserts(): Promise<string[]> {
    const cluster = WarehouseCluster.of(this.client);
    const result = await this.client.query({
      query: `
        SELECT query_id FROM ${cluster ? 'clusterAllReplicas({cluster: String}, system.processes)' : 'system.processes'}
        WHERE query_kind = 'Insert' AND current_database = ${cluster ? '{database: String}' : 'currentDatabase()'}`,
      query_params: { cluster: cluster?.name, database: cluster?.database },
      format: 'JSONEachRow',
    });
    return (await result.json<{ query_id: string }>()).map(({ query_id }) => query_id);
  }

  private async load(): Promise<KnownErasures> {
    const result = await this.client.query({
      query: `
        SELECT ${STATE} AS state, groupArray((tenant_id, toUnixTimestamp64Milli(accepted_before), subjects)) AS erasures
        FROM erasures`,
      format: 'JSONEachRow',
      clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
    });
    const [found] = await result.json<{ state: string; erasures: [string, number, string[]][] }>();
    return new KnownErasures(found?.state ?? '', found?.erasures ?? []);
  }
}

/** What is kept of a subject, and for long, must not name anybody. */
function hashOf(tenantId: string, subject: Subject): string {
  return createHash('sha256').update(`${tenantId}\0${subject.toLowerCase()}`).digest('base64');
}
