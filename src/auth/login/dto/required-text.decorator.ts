import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { RefusedIf } from '../../../common/refused-if.decorator.js';

/** A text of 1 to `limit` characters (UTF-16 code units). The first thing that is wrong with a value is the one reported. */
export function RequiredText(limit: number): PropertyDecorator {
  return applyDecorators(
    ApiProperty({ type: 'string', minLength: 1, maxLength: limit }),
    RefusedIf('required_text', (value) => problemOf(value, limit)),
  );
}

function problemOf(value: unknown, limit: number): string | undefined {
  if (value === undefined || value === null) return 'is required.';
  if (typeof value !== 'string') return 'must be a string.';
  if (value === '') return 'must not be empty.';
  return value.length > limit ? `must have at most ${limit} characters.` : undefined;
}
