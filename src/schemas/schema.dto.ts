import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional, ApiSchema } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsOptional, ValidateNested } from 'class-validator';
import { NO_CONTROL_CHARACTERS } from '../common/api.properties.js';
import { ReadAs, RejectedIf, toDto } from '../common/dto.pipe.js';
import { JsonObject, REQUIRED } from '../events/event-field.decorators.js';
import { ObjectValidator } from '../events/object.validator.js';
import { EVENT_TYPE, isEmptyPayload, PAYLOAD, TrackEventDto } from '../events/track-event.dto.js';
import {
  type EventSchema,
  MAX_PROPERTIES,
  MAX_PROPERTY_NAME_CHARACTERS,
  problemOfPropertyName,
  PROPERTY_TYPES,
  type PropertyType,
  type SchemaProperty,
} from './event-schema.js';

const eventRules = new ObjectValidator(TrackEventDto, REQUIRED);

/** An event type, by the rules for events: a schema for any other would never apply. */
function EventType(): PropertyDecorator {
  return applyDecorators(ApiProperty(EVENT_TYPE), RejectedIf('event_type', problemOfEventType));
}

/** Why a value cannot be an event type, with the fix; undefined when it can. */
export function problemOfEventType(value: unknown): string | undefined {
  const errors = eventRules.validate({ event_type: value });
  return errors.find(({ field }) => field === 'event_type')?.message;
}

@ApiSchema({ name: 'SchemaProperty' })
class SchemaPropertyDto implements SchemaProperty {
  @ApiProperty({ minLength: 1, maxLength: MAX_PROPERTY_NAME_CHARACTERS, pattern: NO_CONTROL_CHARACTERS })
  @RejectedIf('property_name', problemOfPropertyName)
  readonly name!: string;

  @ApiProperty({ enum: PROPERTY_TYPES })
  @IsIn(PROPERTY_TYPES, { message: `must be one of: ${PROPERTY_TYPES.join(', ')}.` })
  readonly type!: PropertyType;

  @ApiPropertyOptional({ default: false })
  @IsBoolean({ message: 'must be true or false.' })
  readonly required: boolean = false;
}

/** The body of a request that replaces a schema's properties. */
@ApiSchema({ name: 'SchemaProperties' })
export class SchemaPropertiesDto {
  @ApiProperty({ type: [SchemaPropertyDto], minItems: 1, maxItems: MAX_PROPERTIES })
  @RejectedIf('properties', problemOf)
  @ValidateNested({ each: true, message: 'must be a JSON object.' })
  @ReadAs(toCheckable)
  readonly properties!: readonly SchemaPropertyDto[];
}

/** The value for class-validator: each mistake is reported once, at its place, without walking a huge list. */
function toCheckable(value: unknown): unknown[] {
  // Anything but a list is rejected as an empty list is; one property too many rejects a long one.
  const elements: unknown[] = Array.isArray(value) ? value.slice(0, MAX_PROPERTIES + 1) : [];
  // Nested validation skips null and looks into lists; it rejects false.
  return elements.map((element) =>
    element === null || Array.isArray(element) ? false : toDto(SchemaPropertyDto, element),
  );
}

function problemOf(value: unknown): string | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_PROPERTIES) {
    return `must be a list of 1 to ${MAX_PROPERTIES} properties.`;
  }
  const names = value.map(({ name }: { name?: unknown }) => name);
  const repeated = names.findIndex((name, index) => typeof name === 'string' && names.indexOf(name) < index);
  return repeated === -1
    ? undefined
    : `must have different names; properties.${repeated} repeats properties.${names.indexOf(names[repeated])}.`;
}

/** The body of a request that creates a schema. */
@ApiSchema({ name: 'EventSchema' })
export class EventSchemaDto extends SchemaPropertiesDto {
  @EventType()
  readonly event_type!: string;
}

/** The body of a request that checks a payload against the schema of its event type. */
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

class PropertyBody {
  @ApiProperty() readonly name!: string;
  @ApiProperty({ enum: PROPERTY_TYPES }) readonly type!: PropertyType;
  @ApiProperty() readonly required!: boolean;
}

/** A schema that is not stored. */
export class ProposalBody {
  @ApiProperty() readonly event_type!: string;
  @ApiProperty({ type: [PropertyBody] }) readonly properties!: readonly PropertyBody[];
}

export class SchemaBody extends ProposalBody {
  @ApiProperty({ type: 'integer', minimum: 1 }) readonly version!: number;

  static of({ eventType, version, properties }: EventSchema): SchemaBody {
    return { event_type: eventType, version, properties };
  }
}

class ViolationBody {
  @ApiProperty() readonly field!: string;
  @ApiProperty() readonly code!: string;
  @ApiProperty() readonly message!: string;
}

/** What would become of an event. */
export class ValidationBody {
  @ApiProperty() readonly valid!: boolean;
  @ApiProperty() readonly has_schema!: boolean;
  @ApiProperty({ type: [ViolationBody] }) readonly errors!: readonly ViolationBody[];
}
