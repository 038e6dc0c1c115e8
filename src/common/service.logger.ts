import { ConsoleLogger } from '@nestjs/common';
import type { LogLevel } from '../config/log-level.js';
import { nestLogLevels } from './log-levels.js';

/** What Nest tells while it wires modules and routes: thirty lines at every start that help nobody but us. */
const FRAMEWORK = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
  'NestMicroservice',
]);

/** One JSON object a line on standard output, down to the configured level. */
export class ServiceLogger extends ConsoleLogger {
  constructor(leastSevere: LogLevel) {
    super({ json: true, logLevels: nestLogLevels(leastSevere) });
  }

  override log(message: unknown, ...rest: unknown[]): void {
    const context = rest.at(-1);
    if (typeof context === 'string' && FRAMEWORK.has(context)) {
      super.debug(message, context);
    } else {
      super.log(message, ...rest);
    }
  }
}
