import type { ClickHouseClient } from '@clickhouse/client';
import type { StorableBatch } from './batch.writer.js';
import { Erasures } from './erasures.js';
import { type Redacted, type RedactionScope, Redactor, subjectsOf } from './redactor.js';

/** The clocks of two instances may differ by so much. */
const CLOCKS_AGREE_WITHIN_MS = 500;

/**
 * How long after the receipt of a request its answer is due: whatever is accepted after that was accepted after
 * {@link acceptedBefore}, by whichever instance's clock.
 */
export const ANSWER_AFTER_MS = 2 * CLOCKS_AGREE_WITHIN_MS;

/** A request about personal data, on its way from the API to the worker that carries it out. */
export interface ComplianceOrder {
  readonly tenantId: string;
  /** UUID in its text form; the same for a repeated request. */
  readonly id: string;
  /** Shopify's name for it, such as `customers/redact`. */
  readonly topic: string;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
  /** What to remove; undefined when it is only to be put on record. */
  readonly scope: RedactionScope | undefined;
}

/** Whatever was accepted before the request bears an earlier time than this, by whichever instance's clock: ms since 1970. */
export function acceptedBefore({ receivedAt }: ComplianceOrder): number {
  return receivedAt + CLOCKS_AGREE_WITHIN_MS;
}

/** The `rows` of a batch of type `compliance.v1`, which holds one order. */
export function encodeComplianceOrder(order: ComplianceOrder): Buffer {
  return Buffer.from(JSON.stringify(order));
}

/** Reads what {@link encodeComplianceOrder} wrote. */
export function decodeComplianceOrder(rows: Uint8Array): ComplianceOrder {
  return JSON.parse(Buffer.from(rows.buffer, rows.byteOffset, rows.byteLength).toString()) as ComplianceOrder;
}

const NOTHING: Redacted = { events: 0, properties: 0, errors: 0 };

/** Carries out requests about personal data, and keeps a record of each that holds no personal data itself. */
export class ComplianceStore {
  private readonly redactor: Redactor;
  private readonly erasures: Erasures;

  constructor(private readonly client: ClickHouseClient) {
    this.redactor = new Redactor(client);
    this.erasures = new Erasures(client);
  }

  /**
   * Resolves when nothing that an order is to erase can be stored any more, wherever it still waits. May be repeated.
   * @throws Error when ClickHouse did not say so; try again later
   */
  async suppress(order: ComplianceOrder): Promise<void> {
    const { tenantId, id, scope } = order;
    if (scope === undefined) return;
    await this.erasures.add({ tenantId, id, acceptedBefore: acceptedBefore(order), subjects: subjectsOf(scope) });
  }

  /**
   * Resolves when the order in a batch is carried out and on record. Repeating it leaves one record.
   * @throws Error when ClickHouse did not do it all; try again later
   */
  async store({ rows }: StorableBatch): Promise<void> {
    const order = decodeComplianceOrder(rows);
    await this.suppress(order);
    await this.record(order, await this.erase(order));
  }

  private async erase(order: ComplianceOrder): Promise<Redacted> {
    const { tenantId, scope } = order;
    return scope === undefined ? NOTHING : this.redactor.redact(tenantId, scope, acceptedBefore(order));
  }

  private async record({ tenantId, id, topic, receivedAt }: ComplianceOrder, removed: Redacted): Promise<void> {
    await this.client.insert({
      table: 'compliance_requests',
      format: 'JSONEachRow',
      values: [
        {
          tenant_id: tenantId,
          id,
          topic,
          received_at: toDateTime64(receivedAt),
          completed_at: toDateTime64(Date.now()),
          events_removed: removed.events,
          properties_removed: removed.properties,
          errors_removed: removed.errors,
        },
      ],
      // The first record counts: when a request is repeated, there is nothing left to remove.
      clickhouse_settings: { insert_deduplication_token: id },
    });
  }
}

/** As ClickHouse reads it: a bare number would be seconds. */
function toDateTime64(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 23).replace('T', ' ');
}
