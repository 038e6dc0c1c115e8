import { Logger, type LoggerService } from '@nestjs/common';
import { type DestinationStream, type Level, pino, type Logger as Pino } from 'pino';
import type { LogLevel } from '../config/configuration.js';
import { describeError } from './operator.error.js';

/** Their thirty lines about modules and routes at every start are written at `debug`. */
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
 * One JSON object a line, with `level`, `time`, `context` and `message`; lines about a request have its `requestId` and
 * `tenantId` too. Nobody logs headers, bodies or credentials; fields with such a name are redacted for safety.
 */
export class ServiceLogger implements LoggerService {
  readonly fatal = this.at('fatal');
  readonly error = this.at('error');
  readonly warn = this.at('warn');
  readonly debug = this.at('debug');
  readonly verbose = this.at('trace');
  private readonly pino: Pino;

  /** @param destination by default standard output, written before the call returns, so that no exit loses a line */
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

  log(message: unknown, ...rest: unknown[]): void {
    this.write(FRAMEWORK.has(rest.at(-1)) ? 'debug' : 'info', message, rest);
  }

  private at(level: Level): (message: unknown, ...rest: unknown[]) => void {
    return (message, ...rest) => this.write(level, message, rest);
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

const LOG_EVERY_MS = 10_000;

/** Logs what goes wrong in every request at most once in ten seconds. */
export class ThrottledLog {
  private readonly logger: Logger;
  private loggedAt = -Infinity;

  /** @param context who says it */
  constructor(context: string) {
    this.logger = new Logger(context);
  }

  /** @param describe is called only when the line is written */
  error(describe: () => string): void {
    const now = performance.now();
    if (now - this.loggedAt < LOG_EVERY_MS) return;
    this.loggedAt = now;
    this.logger.error(describe());
  }
}
