import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { ValidateNested } from 'class-validator';
import { MAX_PROPERTIES } from '../schema.limits.js';
import { ReadAs, toDto } from '../../common/dto.pipe.js';
import { RefusedIf } from '../../common/refused-if.decorator.js';
import { SchemaPropertyDto } from './schema-property.dto.js';

/** The body of a request that replaces a schema's properties. */
@ApiSchema({ name: 'SchemaProperties' })
export class SchemaPropertiesDto {
  @ApiProperty({ type: [SchemaPropertyDto], minItems: 1, maxItems: MAX_PROPERTIES })
  @RefusedIf('properties', problemOf)
  @ValidateNested({ each: true, message: 'must be a JSON object.' })
  @ReadAs(toCheckable)
  readonly properties!: readonly SchemaPropertyDto[];
}

/** What class-validator is to see, so that each mistake is reported once, at its place, and without walking a huge list. */
function toCheckable(value: unknown): unknown[] {
  // What is no list is refused with the same words as an empty one. One property too many is enough to refuse a long one.
  const elements: unknown[] = Array.isArray(value) ? value.slice(0, MAX_PROPERTIES + 1) : [];
  // Nested validation passes over null and looks for objects inside a list; it refuses false.
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
