import { IsBoolean, IsIn } from 'class-validator';
import { PROPERTY_TYPES, type PropertyType, type SchemaProperty } from '../event-schema.js';
import { problemOfPropertyName } from '../property-name.js';
import { MAX_PROPERTY_NAME_CHARACTERS } from '../schema.limits.js';
import { RefusedIf } from '../../common/refused-if.decorator.js';

/** One property of a schema, as callers send it. */
export class SchemaPropertyDto implements SchemaProperty {
  @RefusedIf('property_name', problemOfPropertyName, {
    type: 'string',
    minLength: 1,
    maxLength: MAX_PROPERTY_NAME_CHARACTERS,
    pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]*$',
  })
  readonly name!: string;

  @IsIn(PROPERTY_TYPES, { message: `must be one of: ${PROPERTY_TYPES.join(', ')}.` })
  readonly type!: PropertyType;

  @IsBoolean({ message: 'must be true or false.' })
  readonly required: boolean = false;
}
