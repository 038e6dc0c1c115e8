import { Injectable } from '@nestjs/common';
import type { EventRow } from '../warehouse/event-row.js';
import type { TrackEventDto } from '../events/track-event.dto.js';
import { eventIdentity } from './event-identity.js';
import { parseOccurredAt } from '../events/occurred-at.js';
import { seededId, type Seed } from '../idempotency/seed.js';
import { ReceiptClock } from './receipt.clock.js';

/** Where an event came in. */
export interface EventPlace {
  readonly tenantId: string;
  /** The request's. */
  readonly seed: Seed;
  /** The event's place in the request, from 0. */
  readonly index: number;
}

const EMPTY_PAYLOAD = Buffer.from('{}');

/** Turns a valid event into the row that is stored: fills the defaults, and stamps it with its id and time of receipt. */
@Injectable()
export class EventRowFactory {
  constructor(private readonly clock: ReceiptClock) {}

  create({ tenantId, seed, index }: EventPlace, event: TrackEventDto, payload: Uint8Array | undefined): EventRow {
    const receivedAt = this.clock.next();
    const eventId = event.event_id ?? undefined;
    return {
      tenantId,
      id: eventId === undefined ? seededId(seed, index) : eventIdentity(tenantId, eventId),
      eventType: event.event_type,
      userId: event.user_id,
      anonymousId: event.anonymous_id ?? '',
      eventId: eventId ?? '',
      occurredAt: occurrence(event.occurred_at) ?? Math.floor(receivedAt / 1000),
      receivedAt,
      payload: payload ?? EMPTY_PAYLOAD,
    };
  }
}

function occurrence(text: string | null | undefined): number | undefined {
  return typeof text === 'string' ? parseOccurredAt(text) : undefined;
}
