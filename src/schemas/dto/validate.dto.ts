import { IsOptional } from 'class-validator';
import { ReadAs } from '../../common/dto.pipe.js';
import { JsonObject } from '../../events/event-field.decorators.js';
import { isEmptyPayload } from '../../events/track-event.dto.js';
import { EventType } from './event-type.decorator.js';

/** The body of a request that asks whether a payload keeps to the schema of its event type. */
export class ValidateDto {
  @EventType()
  readonly event_type!: string;

  @IsOptional()
  @JsonObject()
  @ReadAs((sent) => (isEmptyPayload(sent) ? undefined : sent))
  readonly payload?: Readonly<Record<string, unknown>> | null;
}
