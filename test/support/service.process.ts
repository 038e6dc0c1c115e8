import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LeashedProcess } from '../../src/embedded/leashed.process.js';
import { freePort } from '../../src/embedded/ports.js';
import { waitUntil } from './wait-until.js';

const DIST = join(__dirname, '../../dist');
const STOP_WITHIN_MS = 30_000;

/** The built service in a process of its own; `npm test` builds it first. */
export interface ServiceProcess {
  readonly url: string;
  /** In good order; resolves with the exit code. */
  stop(): Promise<number | undefined>;
  kill(): Promise<void>;
}

/** Starts `dist/main.js` on a free port, and waits until it is ready. */
export async function startProcess(environment: Record<string, string>): Promise<ServiceProcess> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const service = LeashedProcess.spawn({
    command: process.execPath,
    args: [join(DIST, 'main.js')],
    env: { PATH: process.env.PATH, ...environment, HOST: '127.0.0.1', PORT: String(port) },
  });
  await waitUntil(
    async () => {
      if (!service.running) throw new Error(`The service ended at start:\n${service.lastLines}`);
      return fetch(`${url}/readyz`).then(
        (response) => response.ok,
        () => false,
      );
    },
    { timeoutMs: 20_000 },
  );
  return {
    url,
    stop: async () => (await service.stop('SIGTERM', STOP_WITHIN_MS)).code,
    kill: async () => {
      await service.kill();
    },
  };
}

/** Makes the tenant `acme` and a secret key for it with the built command line. */
export async function seedKey(environment: Record<string, string>): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(DIST, 'cli.js'), 'seed', '--tenant', 'acme', '--json'],
    { env: { PATH: process.env.PATH, ...environment } },
  );
  return (JSON.parse(stdout) as { key: string }).key;
}
