import { Logger } from '@nestjs/common';
import type { LogLevel } from '../config/configuration.js';
import { ServiceLogger } from './service.logger.js';

describe('ServiceLogger', () => {
  let lines: Record<string, unknown>[];

  afterEach(() => {
    Logger.overrideLogger(false);
  });

  function loggerAt(level: LogLevel): Logger {
    lines = [];
    const write = (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>);
    Logger.overrideLogger(new ServiceLogger(level, { write }));
    return new Logger('Part');
  }

  it('should write an object a line with level, time, context and message', () => {
    loggerAt('info').warn('Something is odd.');
    expect(lines).toEqual([
      {
        level: 'warn',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        pid: process.pid,
        context: 'Part',
        message: 'Something is odd.',
      },
    ]);
  });

  it('should write the fields of an object beside its message', () => {
    loggerAt('info').error({ message: 'A request failed', requestId: 'r1', tenantId: undefined });
    expect(lines[0]).toMatchObject({ level: 'error', context: 'Part', message: 'A request failed', requestId: 'r1' });
    expect(lines[0]).not.toHaveProperty('tenantId');
  });

  it('should write a stack that comes with an error', () => {
    loggerAt('info').error('It failed.', 'Error: It failed.\n    at x.ts:1');
    expect(lines[0]).toMatchObject({
      message: 'It failed.',
      stack: 'Error: It failed.\n    at x.ts:1',
      context: 'Part',
    });
  });

  it.each<[LogLevel, string[]]>([
    ['silent', []],
    ['fatal', ['fatal']],
    ['warn', ['fatal', 'error', 'warn']],
    ['info', ['fatal', 'error', 'warn', 'info']],
    ['trace', ['fatal', 'error', 'warn', 'info', 'debug', 'trace']],
  ])('should write at %s what is at least as severe', (level, expected) => {
    const logger = loggerAt(level);
    for (const write of ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'] as const) logger[write]('x');
    expect(lines.map((line) => line['level'])).toEqual(expected);
  });

  it('should leave what Nest tells of its routes to debug', () => {
    loggerAt('info');
    new Logger('RouterExplorer').log('Mapped {/livez, GET} route');
    expect(lines).toEqual([]);
  });

  it('should blank what is called like a credential, wherever it is', () => {
    const headers = { authorization: 'ApiKey sk_live_1', cookie: 'a=b', 'set-cookie': 'c', host: 'h' };
    loggerAt('info').warn({ message: 'odd', headers, request: { headers }, authorization: 'ApiKey sk_live_1' });
    expect(JSON.stringify(lines)).not.toMatch(/sk_live|a=b|"c"/);
    expect(lines[0]).toMatchObject({ headers: { authorization: '[redacted]', host: 'h' } });
  });
});
