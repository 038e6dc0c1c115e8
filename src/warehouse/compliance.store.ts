import type { ClickHouseClient } from '@clickhouse/client';
import type { StorableBatch } from './batch.writer.js';
import { type ComplianceOrder, decodeComplianceOrder } from './compliance.order.js';
import { type Redacted, Redactor } from './redactor.js';

const NOTHING: Redacted = { events: 0, properties: 0, errors: 0 };

/** Carries out requests about personal data, and keeps a record of each that holds no personal data itself. */
export class ComplianceStore {
  private readonly redactor: Redactor;

  constructor(private readonly client: ClickHouseClient) {
    this.redactor = new Redactor(client);
  }

  /**
   * Resolves when the order in a batch is carried out and on record. Repeating it leaves one record.
   * @throws Error when ClickHouse did not do it all; try again later
   */
  async store({ rows }: StorableBatch): Promise<void> {
    const order = decodeComplianceOrder(rows);
    const removed = order.scope === undefined ? NOTHING : await this.redactor.redact(order.tenantId, order.scope);
    await this.record(order, removed);
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
