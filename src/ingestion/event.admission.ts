import { Injectable } from '@nestjs/common';
import { ErrorRecorder } from '../errors/error.recorder.js';
import { EventMetrics } from '../metrics/api.metrics.js';
import { EventSchemas, type TenantSchemas } from '../schemas/event-schemas.service.js';
import type { Seed } from '../idempotency/seed.js';
import { type EncodedRows, EventRowEncoder } from '../warehouse/event-row.encoder.js';
import type { EventRow } from '../warehouse/event-row.js';
import { type EventPlace, EventRowFactory } from './event-row.factory.js';
import { EventValidator } from './event.validator.js';
import type { FieldError } from '../events/object.validator.js';
import type { Sender } from './sender.js';
import type { EventSink, ReceivedEvent } from './track-body.js';

/** An event that may not be stored. */
export interface RefusedEvent {
  /** Its place in the request, from 0. */
  readonly index: number;
  readonly errors: readonly FieldError[];
}

/** What became of a request's events: each is a row, or refused. */
export interface Admission {
  readonly rows: EncodedRows;
  /**
   * Whether its retry is to be recognised by its bytes: some events have no `event_id`, and all say when they occurred. A heartbeat
   * without a time is the same each time, and no retry.
   */
  readonly isRecognisable: boolean;
  readonly refused: readonly RefusedEvent[];
}

/** Decides which events of a request are stored, and as what: by the rules for all events, then by the tenant's schemas. */
@Injectable()
export class EventAdmission {
  /** For all requests: the events of one are read without a pause, and leave as a copy. */
  private readonly encoder = new EventRowEncoder();

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
   * @param read gives the request's events to `sink`; what it throws is thrown, and nothing of the request is recorded then
   * @throws ControlPlaneUnavailableError when the tenant's schemas are not known and cannot be asked for now
   */
  async admit(sender: Sender, seed: Seed, read: (sink: EventSink) => void): Promise<Admission> {
    const { tenantId, uid } = sender;
    const schemas = await this.schemas.of(tenantId);
    const decisions = new Decisions(this.encoder, (received, index) =>
      this.admitOne({ tenantId, seed, index }, uid, schemas, received),
    );
    read(decisions);
    const { refused, ...rows } = decisions.end();
    for (const refusal of refused) this.record(sender, refusal);
    if (refused.length > 0) this.metrics.received(sender.source, 'skipped', refused.length);
    return { refused, ...rows };
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
    { reason, errors, eventType, userId }: RecordedRefusal,
  ): void {
    const detail = errors.map(({ field, message }) => `${field} ${message}`).join(' ');
    this.errors.record({ tenantId, ts: Date.now(), errorType: reason, source, detail, requestId, eventType, userId });
  }
}

interface Refusal {
  readonly reason: 'validation_failed' | 'schema_violation';
  readonly errors: readonly FieldError[];
}

/** With what the event itself says of who and what it is, whatever that is. */
interface RecordedRefusal extends RefusedEvent, Refusal {
  readonly eventType: unknown;
  readonly userId: unknown;
}

/** Makes each event a row or a refusal as soon as it was read, so that of the events themselves nothing is kept. */
class Decisions implements EventSink {
  private events = 0;
  private seeded = 0;
  private dated = 0;
  private refused: RecordedRefusal[] = [];

  constructor(
    private readonly encoder: EventRowEncoder,
    private readonly decide: (received: ReceivedEvent, index: number) => EventRow | Refusal,
  ) {
    this.start();
  }

  start(): void {
    this.encoder.clear();
    this.events = 0;
    this.seeded = 0;
    this.dated = 0;
    this.refused = [];
  }

  take(received: ReceivedEvent): void {
    const index = this.events + this.refused.length;
    const result = this.decide(received, index);
    if ('reason' in result) {
      const { event_type: eventType, user_id: userId } = received.fields ?? {};
      this.refused.push({ index, ...result, eventType, userId });
      return;
    }
    this.encoder.append(result);
    this.events++;
    if (result.eventId === '') this.seeded++;
    if (typeof received.fields?.occurred_at === 'string') this.dated++;
  }

  end(): Omit<Admission, 'refused'> & { readonly refused: readonly RecordedRefusal[] } {
    const { events, seeded, dated, refused } = this;
    const isRecognisable = seeded > 0 && dated === events;
    return { rows: { bytes: this.encoder.take(), events }, isRecognisable, refused };
  }
}
