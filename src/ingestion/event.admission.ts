import { Injectable } from '@nestjs/common';
import { ErrorRecorder } from '../errors/error.recorder.js';
import { EventMetrics } from '../metrics/event.metrics.js';
import { EventSchemas, type TenantSchemas } from '../schemas/event-schemas.service.js';
import type { Seed } from '../idempotency/seed.js';
import type { EventRow } from '../warehouse/event-row.js';
import { type EventPlace, EventRowFactory } from './event-row.factory.js';
import { EventValidator } from './event.validator.js';
import type { FieldError } from '../events/object.validator.js';
import type { Sender } from './sender.js';
import type { ReceivedEvent } from './track-body.js';

/** An event that may not be stored. */
export interface RefusedEvent {
  /** Its place in the request, from 0. */
  readonly index: number;
  readonly errors: readonly FieldError[];
}

/** What became of a request's events: each is in one of the lists. */
export interface Admission {
  readonly rows: readonly EventRow[];
  readonly refused: readonly RefusedEvent[];
}

/** Decides which events of a request are stored, and as what: by the rules for all events, then by the tenant's schemas. */
@Injectable()
export class EventAdmission {
  constructor(
    private readonly validator: EventValidator,
    private readonly schemas: EventSchemas,
    private readonly rows: EventRowFactory,
    private readonly errors: ErrorRecorder,
    private readonly metrics: EventMetrics,
  ) {}

  /**
   * Refused events are recorded, for the tenant's operators to read.
   * @param seed the request's, for the ids of events that have none of their own
   * @throws ControlPlaneUnavailableError when the tenant's schemas are not known and cannot be asked for now
   */
  async admit(sender: Sender, seed: Seed, events: readonly ReceivedEvent[]): Promise<Admission> {
    const schemas = await this.schemas.of(sender.tenantId);
    const rows: EventRow[] = [];
    const refused: RefusedEvent[] = [];
    events.forEach((received, index) => {
      const result = this.admitOne({ tenantId: sender.tenantId, seed, index }, sender.uid, schemas, received);
      if ('reason' in result) {
        refused.push({ index, errors: result.errors });
        this.record(sender, received, result);
      } else {
        rows.push(result);
      }
    });
    if (refused.length > 0) this.metrics.received(sender.source, 'skipped', refused.length);
    return { rows, refused };
  }

  private admitOne(
    place: EventPlace,
    uid: string | undefined,
    schemas: TenantSchemas,
    received: ReceivedEvent,
  ): EventRow | Refusal {
    const validated = this.validator.validate(received, uid);
    if (!validated.valid) {
      return { reason: 'validation_failed', errors: validated.errors };
    }
    const { event } = validated;
    const payload = event.payload ?? undefined;
    const checked = schemas.get(event.event_type)?.apply(payload && JSON.parse(payload.toString()), payload);
    if (checked === undefined) {
      return this.rows.create(place, event, payload);
    }
    return checked.valid
      ? this.rows.create(place, event, checked.payload)
      : { reason: 'schema_violation', errors: checked.errors };
  }

  private record(
    { tenantId, requestId, source }: Sender,
    { fields }: ReceivedEvent,
    { reason, errors }: Refusal,
  ): void {
    const { event_type: eventType, user_id: userId } = fields ?? {};
    const detail = errors.map(({ field, message }) => `${field} ${message}`).join(' ');
    this.errors.record({ tenantId, ts: Date.now(), errorType: reason, source, detail, requestId, eventType, userId });
  }
}

interface Refusal {
  readonly reason: 'validation_failed' | 'schema_violation';
  readonly errors: readonly FieldError[];
}
