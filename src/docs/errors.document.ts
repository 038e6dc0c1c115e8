import type { JsonSchema } from '../common/dto.schema.js';
import { closed, listOf, TEXT } from './shapes.js';

/** The bodies of errors, and the headers of all answers: the document's components. */

export const ERROR_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  Detail: { ...closed({ detail: TEXT }), description: 'What went wrong, and what to do.' },
  FieldErrors: {
    description: 'What is wrong with the object that was sent, by field, such as `properties.0.type`.',
    type: 'object',
    minProperties: 1,
    additionalProperties: { ...listOf(TEXT), minItems: 1 },
  },
};

const header = (description: string, schema: JsonSchema = TEXT) => ({ description, schema });
const WHOLE_NUMBER = { type: 'string', pattern: '^\\d+$' };

export const HEADERS: Readonly<Record<string, JsonSchema>> = {
  'X-Request-Id': header('The id of the request: the caller’s, if it sent a sane one.'),
  'Retry-After': header('Seconds after which the request may be sent again.', WHOLE_NUMBER),
  'RateLimit-Limit': header('How much the plan allows. Absent where the plan has no limit.', WHOLE_NUMBER),
  'RateLimit-Remaining': header('How much of it is left.', WHOLE_NUMBER),
  'RateLimit-Reset': header('Seconds until the limit is whole again.', WHOLE_NUMBER),
  Link: header('Where the next page is, if there is one (RFC 8288).'),
  'WWW-Authenticate': header('The credentials that are understood.'),
};

const detail = { $ref: '#/components/schemas/Detail' };
const fieldErrors = { $ref: '#/components/schemas/FieldErrors' };

/** The body of errors with a status: only one object that is invalid has messages by field. */
export function errorSchemaOf(status: number): JsonSchema {
  return status === 400 ? { anyOf: [detail, fieldErrors] } : detail;
}

const RATE_LIMIT = ['RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset'];

/** Which headers an answer may carry. */
export function headersOf(status: number, { isLimited, isPaged }: { isLimited: boolean; isPaged: boolean }): string[] {
  return [
    'X-Request-Id',
    ...(status === 429 || status === 503 ? ['Retry-After'] : []),
    ...(status === 401 ? ['WWW-Authenticate'] : []),
    ...(isPaged && status === 200 ? ['Link'] : []),
    // Calls that are nobody's are not counted.
    ...(isLimited && status !== 401 ? RATE_LIMIT : []),
  ];
}
