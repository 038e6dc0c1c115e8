import { ApiProperty, ApiPropertyOptional, ApiSchema } from '@nestjs/swagger';
import { IsBoolean, IsIn } from 'class-validator';
import { PROPERTY_TYPES, type PropertyType, type SchemaProperty } from '../event-schema.js';
import { problemOfPropertyName } from '../property-name.js';
import { MAX_PROPERTY_NAME_CHARACTERS } from '../schema.limits.js';
import { RefusedIf } from '../../common/refused-if.decorator.js';
import { NO_CONTROL_CHARACTERS } from '../../common/api.properties.js';

/** One property of a schema, as callers send it. */
@ApiSchema({ name: 'SchemaProperty' })
export class SchemaPropertyDto implements SchemaProperty {
  @ApiProperty({ minLength: 1, maxLength: MAX_PROPERTY_NAME_CHARACTERS, pattern: NO_CONTROL_CHARACTERS })
  @RefusedIf('property_name', problemOfPropertyName)
  readonly name!: string;

  @ApiProperty({ enum: PROPERTY_TYPES })
  @IsIn(PROPERTY_TYPES, { message: `must be one of: ${PROPERTY_TYPES.join(', ')}.` })
  readonly type!: PropertyType;

  @ApiPropertyOptional({ default: false })
  @IsBoolean({ message: 'must be true or false.' })
  readonly required: boolean = false;
}
