import { ApiProperty } from '@nestjs/swagger';

/** What the API's documentation says of what occurs in several bodies: values, for `@ApiProperty()`, and whole ones. */

export const UUID = { type: 'string', format: 'uuid' } as const;
/** RFC 3339 in UTC. */
export const INSTANT = { type: 'string', format: 'date-time', pattern: 'Z$' } as const;
/** The same without a fraction, for parsers that take none. */
export const WHOLE_SECOND = { type: 'string', format: 'date-time', pattern: 'T\\d\\d:\\d\\d:\\d\\dZ$' } as const;
export const COUNT = { type: 'integer', minimum: 0 } as const;
export const NO_CONTROL_CHARACTERS = '^[^\\u0000-\\u001f\\u007f-\\u009f]*$';

/** The answer where events are in the queue, and a refusal where they are not. */
export class QueuedBody {
  @ApiProperty({ enum: [true] }) readonly queued!: true;
}

/** Said of every list that is read in pages, and the header that leads from one to the next. */
export const PAGES =
  'Pages have at most 100 entries and about 1 MB. Where there is more, the header `Link` leads to the next page (`rel="next"`, relative to the address that was asked for).';
export const PAGE_HEADERS = { Link: { $ref: '#/components/headers/Link' } };
