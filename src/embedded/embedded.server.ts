import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, isPortFree } from './ports.js';
import { SupervisedProcess, type ProcessEnd } from './supervised.process.js';

// For a Redis that replays a large AOF; an empty server takes a fraction of a second.
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 20;
const ATTEMPTS = 3;

/** A server that did not start. The message says what to do and quotes what the server printed last. */
export class ServerStartError extends Error {
  override readonly name = 'ServerStartError';

  constructor(
    server: string,
    readonly reason: string,
    lastLines = '',
  ) {
    super(`${server} did not start: ${reason}${lastLines === '' ? '' : `\nIts last lines:\n${lastLines}`}`);
  }
}

export interface ServerOptions {
  /** Its own folder, made when missing. */
  readonly dataDir: string;
  /** TCP port on 127.0.0.1; by default a free one. */
  readonly port?: number;
}

/** How to run one kind of server. */
export interface ServerRecipe {
  readonly name: string;
  readonly command: (dataDir: string, port: number) => { command: string; args: readonly string[] };
  /** Whether the server on that port answers a trivial query. */
  readonly answers: (port: number) => Promise<boolean>;
  /** What to do about a failed start, by what the server printed. */
  readonly remedies: readonly { readonly printed: RegExp; readonly remedy: string }[];
  readonly stopBy: 'SIGTERM' | 'end of input';
  readonly stopTimeoutMs: number;
}

/** A database server as a child of this process, for development and tests. */
export abstract class EmbeddedServer {
  protected constructor(
    private readonly recipe: ServerRecipe,
    readonly process: SupervisedProcess,
    readonly port: number,
  ) {}

  abstract readonly url: string;

  get name(): string {
    return this.recipe.name;
  }

  get pid(): number {
    return this.process.pid;
  }

  /** Resolves when the process has ended; `asked` is false when it ended by itself. */
  get ended(): Promise<ProcessEnd> {
    return this.process.ended;
  }

  /** Stops it cleanly, with SIGKILL after a deadline of some seconds. May be called again. */
  async stop(): Promise<void> {
    await this.process.stop(this.recipe.stopBy, this.recipe.stopTimeoutMs);
  }

  /** Ends it with SIGKILL, as a crash would. */
  async kill(): Promise<void> {
    await this.process.kill();
  }

  /** Starts a server and waits until it answers. @throws ServerStartError */
  protected static async launch(
    recipe: ServerRecipe,
    options: ServerOptions,
    moreArgs: readonly string[] = [],
  ): Promise<{ process: SupervisedProcess; port: number }> {
    const dataDir = resolve(options.dataDir);
    await mkdir(dataDir, { recursive: true });
    if (options.port !== undefined) {
      return { process: await launchOn(options.port, dataDir, recipe, moreArgs), port: options.port };
    }
    for (let attempt = 1; ; attempt += 1) {
      const port = await freePort();
      try {
        return { process: await launchOn(port, dataDir, recipe, moreArgs), port };
      } catch (error) {
        // Another process may have taken the port since it was free.
        if (attempt === ATTEMPTS || !(error instanceof PortInUseError)) throw error;
      }
    }
  }
}

class PortInUseError extends ServerStartError {
  constructor(server: string, port: number, lastLines?: string) {
    super(server, `port ${port} is in use. Stop the process that listens on it, or choose another port.`, lastLines);
  }
}

async function launchOn(
  port: number,
  dataDir: string,
  recipe: ServerRecipe,
  moreArgs: readonly string[],
): Promise<SupervisedProcess> {
  // Another server on the port might answer our query.
  if (!(await isPortFree(port))) throw new PortInUseError(recipe.name, port);
  const { command, args } = recipe.command(dataDir, port);
  const child = SupervisedProcess.spawn({ command, args: [...args, ...moreArgs] });
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (child.running && Date.now() < deadline) {
    if (await recipe.answers(port)) return child;
    await sleep(POLL_MS);
  }
  const timedOut = child.running;
  const { how } = await child.kill();
  if (child.lastLines.includes('Address already in use')) throw new PortInUseError(recipe.name, port, child.lastLines);
  const remedy = recipe.remedies.find(({ printed }) => printed.test(child.lastLines))?.remedy;
  const symptom = timedOut ? `it did not answer within ${START_TIMEOUT_MS / 1000} s` : `it ended with ${how}`;
  throw new ServerStartError(recipe.name, remedy ?? `${symptom}.`, child.lastLines);
}
