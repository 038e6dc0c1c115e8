import { ApiProperty } from '@nestjs/swagger';
import { type EventSchema, PROPERTY_TYPES, type PropertyType } from '../event-schema.js';

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
