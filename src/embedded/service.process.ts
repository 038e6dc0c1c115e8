import { createWriteStream, existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { LeashedProcess, type ProcessEnd } from './supervised.process.js';

const READY_TIMEOUT_MS = 60_000;
const POLL_MS = 50;
// Above the default SHUTDOWN_TIMEOUT_MS, after which the service gives up by itself.
const STOP_TIMEOUT_MS = 30_000;
const SHOWN_LEVELS: readonly unknown[] = ['warn', 'error', 'fatal'];

/** The built service, as a child of the quickstart. Its log goes to a file; warnings and errors are shown as well. */
export class ServiceProcess {
  readonly name = 'The service';

  private constructor(
    private readonly process: LeashedProcess,
    private readonly url: string,
  ) {}

  static spawn(options: {
    main: string;
    env: NodeJS.ProcessEnv;
    url: string;
    logFile: string;
    show: Show;
  }): ServiceProcess {
    const { main, env, url, logFile, show } = options;
    const log = openLog(logFile);
    const onLine = (line: string): void => {
      log.write(`${line}\n`);
      const shown = worthShowing(line);
      if (shown !== undefined) show(shown);
    };
    const process_ = LeashedProcess.spawn({
      command: process.execPath,
      args: ['--enable-source-maps', main],
      env,
      onLine,
    });
    void process_.ended.then(() => log.end());
    return new ServiceProcess(process_, url);
  }

  get pid(): number {
    return this.process.pid;
  }

  get ended(): Promise<ProcessEnd> {
    return this.process.ended;
  }

  get lastLines(): string {
    return this.process.lastLines;
  }

  /** Resolves when `/readyz` answers 200. @throws Error when it ends before, or does not get there within a minute */
  async ready(): Promise<void> {
    const deadline = Date.now() + READY_TIMEOUT_MS;
    while (!(await this.answersReady())) {
      if (!this.process.running) throw new Error('The service ended while it started.');
      if (Date.now() > deadline) throw new Error(`The service was not ready within ${READY_TIMEOUT_MS / 1000} s.`);
      await sleep(POLL_MS);
    }
  }

  /** Lets it finish its work, with SIGKILL after 30 s. */
  async stop(): Promise<void> {
    await this.process.stop('SIGTERM', STOP_TIMEOUT_MS);
  }

  private async answersReady(): Promise<boolean> {
    try {
      const response = await fetch(`${this.url}/readyz`, {
        headers: { connection: 'close' },
        signal: AbortSignal.timeout(2000),
      });
      return response.status === 200;
    } catch {
      return false;
    }
  }
}

type Show = (line: string) => void;

/** Appends to a new file; the log of the start before is kept beside it, older ones are not. */
function openLog(file: string): NodeJS.WritableStream {
  mkdirSync(dirname(file), { recursive: true });
  if (existsSync(file)) renameSync(file, `${file}.1`);
  return createWriteStream(file, { mode: 0o600 });
}

function worthShowing(line: string): string | undefined {
  try {
    const { level, message } = JSON.parse(line) as { level?: unknown; message?: unknown };
    if (!SHOWN_LEVELS.includes(level)) return undefined;
    return typeof message === 'string' ? message : line;
  } catch {
    return line;
  }
}
