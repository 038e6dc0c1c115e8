import { Limit } from '../../common/page.js';

const DEFAULT_LIMIT = 50;

/** What may be asked of a tenant's errors. */
export class ErrorsQueryDto {
  /** How many at most; more than 100 is 100. */
  @Limit()
  readonly limit: number = DEFAULT_LIMIT;
}
