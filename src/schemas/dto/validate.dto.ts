import { Transform } from 'class-transformer';
import { IsOptional } from 'class-validator';
import { JsonObject } from '../../events/event-field.decorators.js';
import { isEmptyPayload } from '../../events/track-event.dto.js';
import { EventType } from './event-type.decorator.js';

/** The body of a request that asks whether a payload keeps to the schema of its event type. */
export class ValidateDto {
  @EventType()
  readonly event_type!: string;

  @IsOptional()
  @JsonObject()
  // As it was sent: class-transformer's own copy leaves out members such as `toString`.
  @Transform(({ obj }: { obj: ValidateDto }) => (isEmptyPayload(obj.payload) ? undefined : obj.payload))
  readonly payload?: Readonly<Record<string, unknown>> | null;
}
