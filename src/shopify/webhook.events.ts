import { Injectable } from '@nestjs/common';
import { ApiError } from '../common/api-error.js';
import type { ErrorType } from '../errors/recorded-error.js';
import { EventIntake } from '../ingestion/event.intake.js';
import { ReceiptClock } from '../ingestion/receipt.clock.js';
import type { SchemaResult } from '../schemas/compiled-schema.js';
import { EventMetrics } from '../metrics/event.metrics.js';
import { EventSchemas } from '../schemas/event-schemas.service.js';
import { DeliveryMemory } from './delivery.memory.js';
import type { WebhookEvent } from './webhook.reading.js';
import { EventRowEncoder } from '../warehouse/event-row.encoder.js';
import { toEventRow } from './webhook.row.js';

/** What became of an event; `detail` is for the tenant. */
export type WebhookOutcome =
  { readonly stored: true } | { readonly stored: false; readonly errorType: ErrorType; readonly detail: string };

const STORED: WebhookOutcome = { stored: true };

/** Stores the events that webhooks tell of, each once however often it is delivered. */
@Injectable()
export class WebhookEvents {
  /** By tenant and delivery: one that comes again before it is on disk waits for that, and is not queued twice. */
  private readonly underway = new Map<string, Promise<WebhookOutcome>>();
  private readonly encoder = new EventRowEncoder();

  constructor(
    private readonly schemas: EventSchemas,
    private readonly memory: DeliveryMemory,
    private readonly intake: EventIntake,
    private readonly clock: ReceiptClock,
    private readonly metrics: EventMetrics,
  ) {}

  /**
   * Returns when the event is on disk, or was before, or will never be.
   * @throws ApiError 503 when it cannot be queued
   */
  accept(tenantId: string, event: WebhookEvent): Promise<WebhookOutcome> {
    const key = `${tenantId} ${event.deliveryKey}`;
    const underway =
      this.underway.get(key) ?? this.acceptFirst(tenantId, event).finally(() => this.underway.delete(key));
    this.underway.set(key, underway);
    return underway;
  }

  private async acceptFirst(tenantId: string, event: WebhookEvent): Promise<WebhookOutcome> {
    if (await this.memory.has(tenantId, event.deliveryKey)) {
      return STORED;
    }
    const checked = await this.applySchema(tenantId, event);
    if (!checked.valid) {
      this.metrics.received('shopify', 'skipped', 1);
      const detail = checked.errors.map(({ field, message }) => `${field} ${message}`).join(' ');
      return { stored: false, errorType: 'schema_violation', detail };
    }
    try {
      const payload = checked.payload ?? event.payload;
      this.encoder.append(toEventRow(tenantId, event, payload, this.clock.next()));
      await this.intake.take({ tenantId }, { bytes: this.encoder.take(), events: 1 }, 'shopify');
    } catch (error) {
      // Shopify would repeat what gets a 429, and then cancel the subscription for good.
      if (!(error instanceof ApiError && error.status === 429)) throw error;
      return { stored: false, errorType: 'webhook_refused', detail: 'The plan’s events of this month are used up.' };
    }
    await this.memory.remember(tenantId, event.deliveryKey);
    return STORED;
  }

  private async applySchema(tenantId: string, { eventType, payload }: WebhookEvent): Promise<SchemaResult> {
    const schema = (await this.schemas.of(tenantId)).get(eventType);
    return schema?.apply(JSON.parse(Buffer.from(payload).toString()), payload) ?? { valid: true, payload };
  }
}
