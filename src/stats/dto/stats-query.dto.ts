import { IsIn } from 'class-validator';
import { STATS_WINDOWS, type StatsWindow } from '../stats-window.js';

/** What may be asked of a tenant's stats. */
export class StatsQueryDto {
  @IsIn(STATS_WINDOWS, { message: `must be ${STATS_WINDOWS.join(' or ')}.` })
  readonly window: StatsWindow = '24h';
}
