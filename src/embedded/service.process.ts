import { createWriteStream, existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { SupervisedProcess } from './supervised.process.js';

const READY_TIMEOUT_MS = 60_000;
const POLL_MS = 50;
// Above the default SHUTDOWN_TIMEOUT_MS, after which the service ends by itself.
const STOP_TIMEOUT_MS = 30_000;
const SHOWN_LEVELS: readonly unknown[] = ['warn', 'error', 'fatal'];

interface ServiceOptions {
  readonly main: string;
  readonly env: NodeJS.ProcessEnv;
  readonly url: string;
  readonly logFile: string;
  readonly show: (line: string) => void;
}

/** The built service, as a child of the quickstart. Its log goes to a file; warnings and errors are shown as well. */
export class ServiceProcess {
  readonly name = 'The service';

  private constructor(
    readonly process: SupervisedProcess,
    private readonly url: string,
  ) {}

  static spawn(options: ServiceOptions): ServiceProcess {
    const { main, env, url, logFile, show } = options;
    const log = openLog(logFile);
    const onLine = (line: string): void => {
      log.write(`${line}\n`);
      const shown = worthShowing(line);
      if (shown !== undefined) show(shown);
    };
    const args = ['--enable-source-maps', main];
    const child = SupervisedProcess.spawn({ command: process.execPath, args, env, onLine });
    void child.ended.then(() => log.end());
    return new ServiceProcess(child, url);
  }

  /** Resolves when `/readyz` answers 200. @throws Error when it ends before, or is not ready within a minute */
  async ready(): Promise<void> {
    const deadline = Date.now() + READY_TIMEOUT_MS;
    while (!(await this.answersReady())) {
      if (!this.process.running) throw new Error('The service ended while it started.');
      if (Date.now() > deadline) throw new Error(`The service was not ready within ${READY_TIMEOUT_MS / 1000} s.`);
      await sleep(POLL_MS);
    }
  }

  /** Lets it finish its work; SIGKILL after 30 s. */
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

/** A new file; the log of the last start is kept beside it. */
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
