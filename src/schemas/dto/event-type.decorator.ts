import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { REQUIRED } from '../../events/event-field.decorators.js';
import { EVENT_TYPE, TrackEventDto } from '../../events/track-event.dto.js';
import { ObjectValidator } from '../../events/object.validator.js';
import { RefusedIf } from '../../common/refused-if.decorator.js';

const eventRules = new ObjectValidator(TrackEventDto, REQUIRED);

/** An event type, by the rule that events themselves are held to: a schema for any other would never apply. */
export function EventType(): PropertyDecorator {
  return applyDecorators(ApiProperty(EVENT_TYPE), RefusedIf('event_type', problemOfEventType));
}

/** Why a value cannot be an event type, in words that say what to do; undefined when it can. */
export function problemOfEventType(value: unknown): string | undefined {
  const errors = eventRules.validate({ event_type: value });
  return errors.find(({ field }) => field === 'event_type')?.message;
}
