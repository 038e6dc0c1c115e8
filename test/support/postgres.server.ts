import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { freePort } from '../../src/embedded/ports.js';

const BINARIES = ['18', '17', '16', '15', '14'].map((version) => `/usr/lib/postgresql/${version}/bin`).find(existsSync);

const START_TIMEOUT_MS = 20_000;

/** Whether `PostgresServer.start()` can work here: Debian's package `postgresql` is installed. */
export const postgresIsInstalled = BINARIES !== undefined;

/** A real PostgreSQL on a free port, in a folder that goes away with it. */
export class PostgresServer {
  private process: ChildProcess | undefined;

  private constructor(
    private readonly folder: string,
    private readonly port: number,
  ) {}

  static async start(): Promise<PostgresServer> {
    const folder = mkdtempSync(join(tmpdir(), 'segops-postgres-'));
    const { uid, gid } = unprivilegedUser();
    if (uid !== undefined && gid !== undefined) {
      chownSync(folder, uid, gid);
    }
    execFileSync(
      program('initdb'),
      ['--pgdata', folder, '--username=segops', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'],
      { ...unprivilegedUser(), cwd: folder, stdio: 'pipe' },
    );
    const server = new PostgresServer(folder, await freePort());
    await server.resume();
    return server;
  }

  get url(): string {
    return `postgres://segops@127.0.0.1:${this.port}/postgres`;
  }

  /** Starts it again on the same port with the same data, after `pause`. */
  async resume(): Promise<void> {
    this.process = spawn(
      program('postgres'),
      [
        '-D',
        this.folder,
        '-p',
        String(this.port),
        '-h',
        '127.0.0.1',
        '-k',
        this.folder,
        '-c',
        'fsync=off',
        '-c',
        'max_connections=400',
      ],
      { ...unprivilegedUser(), cwd: this.folder, stdio: 'ignore' },
    );
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await this.answers())) {
      if (Date.now() > deadline) {
        throw new Error(`PostgreSQL did not start within ${START_TIMEOUT_MS} ms`);
      }
      await sleep(50);
    }
  }

  /** Ends the server, at once, and keeps its data. */
  async pause(): Promise<void> {
    const process = this.process;
    this.process = undefined;
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) {
      return;
    }
    const exited = once(process, 'exit');
    // PostgreSQL's "fast shutdown": connections are cut.
    process.kill('SIGINT');
    await exited;
  }

  async stop(): Promise<void> {
    await this.pause();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async answers(): Promise<boolean> {
    const client = new Client({ connectionString: this.url, connectionTimeoutMillis: 1000 });
    try {
      await client.connect();
      return true;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

function program(name: string): string {
  if (BINARIES === undefined) {
    throw new Error('PostgreSQL is not installed: apt-get install postgresql');
  }
  return join(BINARIES, name);
}

/** PostgreSQL refuses to run as root: then it runs as the user of Debian's package. */
function unprivilegedUser(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) {
    return {};
  }
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}
