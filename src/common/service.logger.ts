import type { LoggerService } from '@nestjs/common';
import { type DestinationStream, type Level, type Logger, pino } from 'pino';
import type { LogLevel } from '../config/log-level.js';
import { describeError } from './operator.error.js';

/** What Nest tells while it wires modules and routes: thirty lines at every start that help nobody but us. */
const FRAMEWORK: ReadonlySet<unknown> = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
  'NestMicroservice',
]);

const CREDENTIALS = ['authorization', 'cookie', 'set-cookie', 'x-shopify-hmac-sha256', 'password', 'token'];

/**
 * One JSON object a line, with `level`, `time`, `context` (who says it) and `message`; lines that belong to a request have its
 * `requestId` and `tenantId` too. Nobody logs headers, bodies or credentials; what is called like one is blanked all the same.
 */
export class ServiceLogger implements LoggerService {
  private readonly pino: Logger;

  /** @param destination standard output unless given; written to before the call returns, so that no exit loses a line */
  constructor(leastSevere: LogLevel, destination: DestinationStream = pino.destination({ dest: 1, sync: true })) {
    this.pino = pino(
      {
        level: leastSevere,
        base: { pid: process.pid },
        messageKey: 'message',
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (level) => ({ level }) },
        redact: {
          paths: CREDENTIALS.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]),
          censor: '[redacted]',
        },
      },
      destination,
    );
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }

  log(message: unknown, ...rest: unknown[]): void {
    this.write(FRAMEWORK.has(rest.at(-1)) ? 'debug' : 'info', message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest);
  }

  /** @param rest as Nest passes it: a stack or nothing, then the context */
  private write(level: Level, message: unknown, rest: readonly unknown[]): void {
    if (!this.pino.isLevelEnabled(level)) return;
    const context = rest.at(-1);
    const stack = rest.length > 1 && typeof rest[0] === 'string' ? { stack: rest[0] } : {};
    if (message instanceof Error) {
      this.pino[level]({ context, error: describeError(message) }, 'An error was not handled');
    } else if (typeof message === 'object' && message !== null) {
      const { message: text, ...fields } = message as Readonly<Record<string, unknown>>;
      this.pino[level]({ context, ...fields }, String(text));
    } else {
      this.pino[level]({ context, ...stack }, String(message));
    }
  }
}
