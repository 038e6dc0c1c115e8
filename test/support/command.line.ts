import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from '../../src/cli/run-cli.js';
import type { ControlPlaneDatabase } from '../../src/tenants/control-plane.database.js';
import { openControlPlane } from '../../src/tenants/open-control-plane.js';
import { type FreshControlPlane, freshControlPlane } from './control-plane.js';

export interface CommandResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The command line as an operator has it, on a control plane of its own. */
export class CommandLine {
  private constructor(
    private readonly dataDir: string,
    private readonly controlPlane: FreshControlPlane,
  ) {}

  static async start(): Promise<CommandLine> {
    const dataDir = await mkdtemp(join(tmpdir(), 'segops-cli-'));
    return new CommandLine(dataDir, await freshControlPlane(dataDir));
  }

  /** What commands that change something print first. */
  get place(): string {
    const url = this.databaseUrl;
    if (url === undefined) return `Control plane: embedded PostgreSQL in ${join(this.dataDir, 'control-plane')}.\n`;
    const { host, pathname } = new URL(url);
    return `Control plane: PostgreSQL at ${host}, database ${pathname.slice(1)}.\n`;
  }

  run(...words: string[]): Promise<CommandResult> {
    return this.runWith(undefined, ...words);
  }

  /** @param input what is on standard input, if there is one */
  async runWith(input: string | undefined, ...words: string[]): Promise<CommandResult> {
    let out = '';
    let err = '';
    const code = await runCli(words, {
      env: { DATA_DIR: this.dataDir, ...this.controlPlane.environment },
      ...(input === undefined ? {} : { in: () => Promise.resolve(input) }),
      out: (text) => (out += text),
      err: (text) => (err += text),
    });
    return { code, out, err };
  }

  /** What `work` finds in the control plane. */
  async inControlPlane<T>(work: (database: ControlPlaneDatabase) => Promise<T>): Promise<T> {
    const { dataDir, databaseUrl } = this;
    const database = await openControlPlane(databaseUrl === undefined ? { dataDir } : { dataDir, databaseUrl });
    try {
      return await work(database);
    } finally {
      await database.onApplicationShutdown();
    }
  }

  async stop(): Promise<void> {
    await this.controlPlane.drop();
    await rm(this.dataDir, { recursive: true });
  }

  private get databaseUrl(): string | undefined {
    return this.controlPlane.environment['DATABASE_URL'];
  }
}
