import type { ClickHouseClient } from '@clickhouse/client';
import type { StorableBatch } from './batch.writer.js';
import { acceptedBefore, type ComplianceOrder, decodeComplianceOrder } from './compliance.order.js';
import { Erasures } from './erasures.js';
import { type Redacted, Redactor, subjectsOf } from './redactor.js';

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
