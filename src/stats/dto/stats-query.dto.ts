import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, Matches } from 'class-validator';
import { Limit } from '../../common/page.js';
import { STATS_WINDOWS, type StatsWindow } from '../stats-window.js';

const MAX_TYPES = 1_000;

/** What may be asked of a tenant's stats. */
export class StatsQueryDto {
  @ApiPropertyOptional({
    enum: STATS_WINDOWS,
    default: '24h',
    examples: { 'a day': { value: '24h' }, 'a week': { value: '7d' } },
  })
  @IsIn(STATS_WINDOWS, { message: `must be ${STATS_WINDOWS.join(' or ')}.` })
  readonly window: StatsWindow = '24h';

  /** Of event types; more than 1,000 are 1,000. */
  @ApiPropertyOptional({ type: 'integer', minimum: 1, default: MAX_TYPES })
  @Limit(MAX_TYPES)
  readonly limit: number = MAX_TYPES;

  /** As `event_types_next` has it: how many event types come before. Empty: none. */
  @ApiPropertyOptional({ pattern: '^\\d{0,9}$', default: '' })
  @Matches(/^\d{0,9}$/, { message: 'must be as event_types_next has it.' })
  readonly cursor: string = '';
}
