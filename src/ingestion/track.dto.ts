import { type ApiHeaderOptions, ApiProperty, ApiSchema } from '@nestjs/swagger';
import { COUNT } from '../common/api.properties.js';
import { TrackEventDto } from '../events/track-event.dto.js';

/** What the API's documentation says of the bodies of `track.controller.ts`, which are read byte by byte and never made. */
@ApiSchema({ name: 'TrackBatch' })
export class TrackBatchDto {
  @ApiProperty({ type: [TrackEventDto], minItems: 1 }) readonly events!: readonly TrackEventDto[];
}

class SkippedEventBody {
  @ApiProperty(COUNT) readonly index!: number;
  @ApiProperty() readonly field!: string;
  @ApiProperty() readonly code!: string;
  @ApiProperty() readonly message!: string;
}

export class TrackBatchBody {
  @ApiProperty(COUNT) readonly queued!: number;
  @ApiProperty(COUNT) readonly skipped!: number;
  @ApiProperty({ type: [SkippedEventBody], required: false }) readonly errors?: readonly SkippedEventBody[];
}

export const IDEMPOTENCY_KEY: ApiHeaderOptions = {
  name: 'Idempotency-Key',
  description:
    'Of 1 to 255 visible ASCII characters, such as a UUID: another one for each request. The same request with the same key is stored once and gets the same answer for 24 hours, then with the header `Idempotency-Replayed`. Another one with that key is a 400.',
  required: false,
};

const EVENT = {
  user_id: 'zoe@example.com',
  event_type: 'order_placed',
  occurred_at: '2026-04-25T13:00:00+02:00',
  payload: { order_id: 'A-1001', total: 59.9 },
};
const LEAST = { user_id: 'u1', event_type: 'page_viewed' };
const PROPERTIES = {
  user_id: 'zoe@example.com',
  event_type: 'context_identified',
  payload: { plan: 'gold', city: 'Ghent' },
};

export const EVENT_EXAMPLES = {
  'an order': { value: EVENT },
  'the least there is to say': { value: LEAST },
  'a user’s properties': { value: PROPERTIES },
  'an order that is stored once, however often it is sent': { value: { ...EVENT, event_id: 'order-A-1001' } },
};
export const BATCH_EXAMPLES = { 'two events': { value: { events: [EVENT, LEAST] } } };
