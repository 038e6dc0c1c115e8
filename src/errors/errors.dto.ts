import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { INSTANT, UUID } from '../common/api.properties.js';
import { Limit } from '../common/page.js';
import type { ErrorRow } from '../warehouse/error.writer.js';
import { ERROR_SOURCES, ERROR_TYPES } from './recorded-error.js';

const DEFAULT_LIMIT = 50;

/** What may be asked of a tenant's errors. */
export class ErrorsQueryDto {
  /** How many at most; more than 100 is 100. */
  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    default: DEFAULT_LIMIT,
    examples: { 'the last ten': { value: 10 }, 'more than 100, which is 100': { value: 1000 } },
  })
  @Limit()
  readonly limit: number = DEFAULT_LIMIT;
}

class ErrorBody {
  @ApiProperty(UUID) readonly id!: string;
  @ApiProperty(INSTANT) readonly ts!: string;
  @ApiProperty({ enum: ERROR_TYPES }) readonly error_type!: string;
  @ApiProperty() readonly detail!: string;
  @ApiProperty({ type: 'string', nullable: true }) readonly event_type!: string | null;
  @ApiProperty({ type: 'string', nullable: true }) readonly user_id!: string | null;
  @ApiProperty({ type: 'string', nullable: true }) readonly request_id!: string | null;
  @ApiProperty({ enum: ERROR_SOURCES }) readonly source!: string;
}

/** What was not stored, newest first. */
export class ErrorsBody {
  @ApiProperty({ type: [ErrorBody] }) readonly errors!: readonly ErrorBody[];

  static of(rows: readonly ErrorRow[]): ErrorsBody {
    return {
      errors: rows.map((row) => ({
        id: row.id,
        ts: new Date(row.ts).toISOString(),
        error_type: row.errorType,
        detail: row.detail,
        event_type: row.eventType || null,
        user_id: row.userId || null,
        request_id: row.requestId || null,
        source: row.source,
      })),
    };
  }
}
