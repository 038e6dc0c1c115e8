import { join } from 'node:path';
import { runCli } from '../../src/cli/run-cli.js';
import { SupervisedProcess } from '../../src/embedded/supervised.process.js';
import { freePort } from '../../src/embedded/ports.js';
import { waitUntil } from './wait-until.js';

const DIST = join(__dirname, '../../dist');
const STOP_WITHIN_MS = 30_000;
const READY_WITHIN_MS = 60_000;

/** The built service in a process of its own; `npm test` builds it first. */
export interface ServiceProcess {
  readonly url: string;
  readonly pid: number;
  /** The last lines of its log. */
  readonly lastLines: string;
  /** In good order; resolves with the exit code. */
  stop(): Promise<number | undefined>;
  kill(): Promise<void>;
  /** Resolves with the exit code when it has ended. */
  readonly ended: Promise<number | undefined>;
}

/** Starts `dist/main.js`, on a free port unless one is given, and waits until it is ready. */
export async function startProcess(environment: Record<string, string>, port?: number): Promise<ServiceProcess> {
  const listenOn = port ?? (await freePort());
  const url = `http://127.0.0.1:${listenOn}`;
  const service = SupervisedProcess.spawn({
    command: process.execPath,
    args: [join(DIST, 'main.js')],
    env: {
      PATH: process.env.PATH,
      // Where its coverage is written, if that is measured.
      ...(process.env['NODE_V8_COVERAGE'] && { NODE_V8_COVERAGE: process.env['NODE_V8_COVERAGE'] }),
      SHUTDOWN_GRACE_MS: '0',
      ...environment,
      HOST: '127.0.0.1',
      PORT: String(listenOn),
    },
  });
  await waitUntil(
    async () => {
      if (!service.running) throw new Error(`The service ended at start:\n${service.lastLines}`);
      return fetch(`${url}/readyz`, { headers: { connection: 'close' }, signal: AbortSignal.timeout(2_000) }).then(
        (response) => response.ok,
        () => false,
      );
    },
    { timeoutMs: READY_WITHIN_MS },
  );
  return {
    url,
    pid: service.pid,
    get lastLines() {
      return service.lastLines;
    },
    stop: async () => (await service.stop('SIGTERM', STOP_WITHIN_MS)).code,
    kill: async () => {
      await service.kill();
    },
    ended: service.ended.then(({ code }) => code),
  };
}

/** Makes the tenant `acme` and a secret key for it with the command line. */
export async function seedKey(environment: Record<string, string>): Promise<string> {
  let out = '';
  let err = '';
  const code = await runCli(['seed', '--tenant', 'acme', '--embedded', '--json'], {
    env: environment,
    out: (text) => (out += text),
    err: (text) => (err += text),
  });
  if (code !== 0) throw new Error(err);
  return (JSON.parse(out) as { key: string }).key;
}
