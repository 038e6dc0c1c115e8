import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsString, Min } from 'class-validator';
import type { FastifyReply } from 'fastify';
import { ReadAs } from './dto.pipe.js';

const MAX_LIMIT = 100;
/** Of JSON, since an entry may have tens of kilobytes. */
const MAX_PAGE_BYTES = 1024 * 1024;

/** The query parameter `limit`. More than `max` is `max`. */
export function Limit(max = MAX_LIMIT): PropertyDecorator {
  return applyDecorators(
    ReadAs((sent) => (typeof sent === 'string' && /^\d+$/.test(sent) ? Math.min(Number(sent), max) : Number.NaN)),
    Min(1, { message: 'must be a whole number from 1 up.' }),
  );
}

/** The requested part of a list. */
export class PageQueryDto {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, default: MAX_LIMIT })
  @Limit()
  readonly limit: number = MAX_LIMIT;

  /** From the link to the next page; empty: from the start. */
  @ApiPropertyOptional({ default: '' })
  @IsString({ message: 'must be sent once, as the link to the next page has it.' })
  readonly cursor: string = '';
}

/**
 * The entries of a page: at most `limit` and about 1 MB. The header `Link` leads to the next page (RFC 8288), since the lists
 * have no field for it.
 * @param found the entries from the page's first on, one more than `limit` if there are so many
 * @param cursorOf names an entry, so that the next page begins after it
 */
export function pageOf<T extends object>(
  found: readonly T[],
  { limit }: PageQueryDto,
  cursorOf: (entry: T) => string,
  reply: FastifyReply,
): T[] {
  const page: T[] = [];
  let bytes = 0;
  for (const entry of found.slice(0, limit)) {
    bytes += Buffer.byteLength(JSON.stringify(entry));
    if (bytes > MAX_PAGE_BYTES && page.length > 0) break;
    page.push(entry);
  }
  const last = page.at(-1);
  if (last !== undefined && page.length < found.length) {
    const next = new URLSearchParams({ limit: String(limit), cursor: cursorOf(last) });
    void reply.header('link', `<?${next.toString()}>; rel="next"`);
  }
  return page;
}
