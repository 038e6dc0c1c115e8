import { schemaOf } from '../common/dto.schema.js';
import { Documented, type Parameter } from '../docs/documented.decorator.js';
import { closed, COUNT, listOf, oneOf, TEXT } from '../docs/shapes.js';
import { TrackEventDto } from '../events/track-event.dto.js';

const EVENT = {
  user_id: 'zoe@example.com',
  event_type: 'order_placed',
  occurred_at: '2026-04-25T13:00:00+02:00',
  payload: { order_id: 'A-1001', total: 59.9 },
};
const IDEMPOTENCY: Readonly<Record<string, Parameter>> = {
  'Idempotency-Key': {
    description:
      'Of 1 to 255 visible ASCII characters, such as a UUID: another one for each request. The same request with the same key is stored once and gets the same answer for 24 hours, then with the header `Idempotency-Replayed`. Another one with that key is a 400.',
  },
};
const SKIPPED = closed({ index: COUNT, field: TEXT, code: TEXT, message: TEXT });

/** The documentation of TrackController. */
export const trackDocs = {
  one: Documented({
    summary: 'Send one event',
    description:
      'Fields that are not named are ignored. With a session’s token `user_id` is the session’s `uid`, whatever the body says.',
    body: TrackEventDto,
    headers: IDEMPOTENCY,
    examples: {
      'an order': { body: EVENT },
      'the least there is to say': { body: { user_id: 'u1', event_type: 'page_viewed' } },
      'a user’s properties': {
        body: {
          user_id: 'zoe@example.com',
          event_type: 'context_identified',
          payload: { plan: 'gold', city: 'Ghent' },
        },
      },
      'an order that is stored once, however often it is sent': { body: { ...EVENT, event_id: 'order-A-1001' } },
    },
    answers: { 202: { description: 'The event is on disk.', schema: closed({ queued: oneOf([true]) }) } },
  }),

  batch: Documented({
    summary: 'Send up to 500 events',
    description:
      'One bad event never costs a good one: it is skipped and reported. `MAX_BATCH_EVENTS` is the limit, 500 unless set otherwise.',
    body: {
      type: 'object',
      properties: { events: { ...listOf(schemaOf(TrackEventDto)), minItems: 1 } },
      required: ['events'],
    },
    headers: IDEMPOTENCY,
    examples: {
      'two events': { body: { events: [EVENT, { user_id: 'u1', event_type: 'page_viewed' }] } },
    },
    answers: {
      202: {
        description: 'The events that were not skipped are on disk.',
        schema: closed({ queued: COUNT, skipped: COUNT }, { errors: listOf(SKIPPED) }),
      },
    },
  }),
};
