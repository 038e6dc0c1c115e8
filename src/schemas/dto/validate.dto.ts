import { ApiPropertyOptional, ApiSchema } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { ReadAs } from '../../common/dto.pipe.js';
import { JsonObject } from '../../events/event-field.decorators.js';
import { isEmptyPayload, PAYLOAD } from '../../events/track-event.dto.js';
import { EventType } from './event-type.decorator.js';

/** The body of a request that asks whether a payload keeps to the schema of its event type. */
@ApiSchema({ name: 'Validate' })
export class ValidateDto {
  @EventType()
  readonly event_type!: string;

  @ApiPropertyOptional(PAYLOAD)
  @IsOptional()
  @JsonObject()
  @ReadAs((sent) => (isEmptyPayload(sent) ? undefined : sent))
  readonly payload?: Readonly<Record<string, unknown>> | null;
}
