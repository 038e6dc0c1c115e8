import { ApiSchema } from '@nestjs/swagger';
import { EventType } from './event-type.decorator.js';
import { SchemaPropertiesDto } from './schema-properties.dto.js';

/** The body of a request that creates a schema. */
@ApiSchema({ name: 'EventSchema' })
export class EventSchemaDto extends SchemaPropertiesDto {
  @EventType()
  readonly event_type!: string;
}
