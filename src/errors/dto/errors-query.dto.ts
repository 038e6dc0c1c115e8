import { Transform } from 'class-transformer';
import { Min } from 'class-validator';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 100;

/** What may be asked of a tenant's errors. */
export class ErrorsQueryDto {
  /** How many at most; more than 100 is 100. */
  @Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' && /^\d+$/.test(value) ? Math.min(Number(value), MAX_LIMIT) : Number.NaN,
  )
  @Min(1, { message: 'must be a whole number from 1 up.' })
  readonly limit: number = DEFAULT_LIMIT;
}
