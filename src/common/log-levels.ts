import type { LogLevel as NestLogLevel } from '@nestjs/common';
import { LOG_LEVELS, type LogLevel } from '../config/log-level.js';

/** Nest's name for each of our levels. */
const NEST_LEVEL: Readonly<Record<Exclude<LogLevel, 'silent'>, NestLogLevel>> = {
  fatal: 'fatal',
  error: 'error',
  warn: 'warn',
  info: 'log',
  debug: 'debug',
  trace: 'verbose',
};

/** Nest's levels that are logged when `least` is the least severe one; none for `silent`. */
export function nestLogLevels(least: LogLevel): NestLogLevel[] {
  if (least === 'silent') return [];
  const levels = LOG_LEVELS.filter((level) => level !== 'silent');
  return levels.slice(0, levels.indexOf(least) + 1).map((level) => NEST_LEVEL[level]);
}
