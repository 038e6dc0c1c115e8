import { IsIn, Matches } from 'class-validator';
import { Limit } from '../../common/page.js';
import { STATS_WINDOWS, type StatsWindow } from '../stats-window.js';

const MAX_TYPES = 1_000;

/** What may be asked of a tenant's stats. */
export class StatsQueryDto {
  @IsIn(STATS_WINDOWS, { message: `must be ${STATS_WINDOWS.join(' or ')}.` })
  readonly window: StatsWindow = '24h';

  /** Of event types; more than 1,000 are 1,000. */
  @Limit(MAX_TYPES)
  readonly limit: number = MAX_TYPES;

  /** As `event_types_next` has it: how many event types come before. Empty: none. */
  @Matches(/^\d{0,9}$/, { message: 'must be as event_types_next has it.' })
  readonly cursor: string = '';
}
