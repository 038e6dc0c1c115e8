import { Injectable, Logger, Optional } from '@nestjs/common';
import { parseOccurredAt } from '../events/occurred-at.js';
import type { TrackEventDto } from '../events/track-event.dto.js';
import { type Seed, seededId } from '../idempotency/seed.js';
import type { EventRow } from '../warehouse/event-row.js';
import { eventIdentity } from './event-identity.js';

/** Of a clock that is set back further than this, the time of before would be wrong for too long. */
const WAITS_FOR_CLOCK_US = 60_000_000;

/**
 * The time of receipt in µs since 1970. No two events of a process get the same one, and it does not run back: of two events
 * with the same `occurred_at`, the one with the later receipt is the later one. When the clock is set back by up to a minute,
 * events get the time of before until it has caught up; when it is set back further, they get its time.
 */
@Injectable()
export class ReceiptClock {
  private readonly logger = new Logger(ReceiptClock.name);
  private last = 0;

  /** @param now the time of day in ms */
  constructor(@Optional() private readonly now: () => number = () => Date.now()) {}

  next(): number {
    const now = this.now() * 1000;
    if (this.last - now > WAITS_FOR_CLOCK_US) {
      const seconds = Math.round((this.last - now) / 1_000_000);
      this.logger.warn(
        `The clock was set back by ${seconds} s. Events are dated by it, before events that came earlier.`,
      );
      this.last = now;
      return now;
    }
    this.last = Math.max(now, this.last + 1);
    return this.last;
  }
}

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
