import { Injectable } from '@nestjs/common';
import { ApiError } from '../common/errors.js';
import type { ErrorType } from '../errors/recorded-error.js';
import type { MemoryKey } from '../idempotency/idempotency.store.js';
import { StoreAccess } from '../idempotency/store.access.js';
import { webhookIdentity } from '../ingestion/event-identity.js';
import { EventIntake } from '../ingestion/event.intake.js';
import { ReceiptClock } from '../ingestion/event-row.factory.js';
import { EventMetrics } from '../metrics/api.metrics.js';
import type { SchemaResult } from '../schemas/compiled-schema.js';
import { EventSchemas } from '../schemas/event-schemas.service.js';
import { SHOPIFY_EVENT_ID_PREFIX } from '../warehouse/erasures.js';
import { EventRowEncoder } from '../warehouse/event-row.encoder.js';
import type { EventRow } from '../warehouse/event-row.js';
import type { WebhookEvent } from './webhook.reader.js';

/** `detail` is for the tenant. */
type WebhookOutcome =
  { readonly stored: true } | { readonly stored: false; readonly errorType: ErrorType; readonly detail: string };

const STORED: WebhookOutcome = { stored: true };

/**
 * Remembers stored deliveries, for all instances and across restarts, so that repetitions are not queued. A delivery is noted
 * only once it is durable; if the process dies before, the warehouse keeps one of the copies, which have the same id.
 */
@Injectable()
export class DeliveryMemory {
  constructor(private readonly access: StoreAccess) {}

  /** Whether the delivery is known to be stored; `false` when the store does not answer within 100 ms. */
  async has(tenantId: string, deliveryKey: string): Promise<boolean> {
    const answer = await this.access.ask((store) => store.recall(keyOf(tenantId, deliveryKey)));
    return answer?.value !== undefined;
  }

  /** Never fails: the warehouse recognises by its id what is not remembered. */
  async remember(tenantId: string, deliveryKey: string): Promise<void> {
    await this.access.remember(keyOf(tenantId, deliveryKey), '1');
  }
}

function keyOf(tenantId: string, deliveryKey: string): MemoryKey {
  return { space: 'deliveries', tenantId, key: deliveryKey };
}

/** Stores the events of webhooks, each once however often it is delivered. */
@Injectable()
export class WebhookEvents {
  /** By tenant and delivery: a repetition that arrives before the first is on disk waits for it. */
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
   * Returns when the event is on disk, or cannot be stored.
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
    if (await this.memory.has(tenantId, event.deliveryKey)) return STORED;
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
      // Shopify repeats what gets a 429, and then cancels the subscription.
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

/**
 * The row of a webhook's event: always with the same id, and marked as coming from the shop.
 * @param payload after the tenant's schema was applied
 */
function toEventRow(
  tenantId: string,
  { eventType, userId, occurredAt, deliveryKey }: WebhookEvent,
  payload: Uint8Array,
  receivedAt: number,
): EventRow {
  return {
    tenantId,
    id: webhookIdentity(tenantId, deliveryKey),
    eventType,
    userId,
    anonymousId: '',
    eventId: SHOPIFY_EVENT_ID_PREFIX + deliveryKey,
    occurredAt,
    receivedAt,
    payload,
  };
}
