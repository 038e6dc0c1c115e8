import type { EmbeddedServer } from '../../src/embedded/embedded.server.js';
import type { Part } from './part.js';

/** A database server: Redis or ClickHouse. */
export class ServerPart implements Part {
  private server: EmbeddedServer | undefined;

  /** @param launch starts it on that port, over the same data every time */
  constructor(
    readonly name: string,
    private readonly launch: () => Promise<EmbeddedServer>,
  ) {}

  get pid(): number | undefined {
    return this.server?.pid;
  }

  async start(): Promise<void> {
    this.server = await this.launch();
  }

  async kill(): Promise<void> {
    await this.server?.kill();
  }

  pause(): void {
    this.signal('SIGSTOP');
  }

  resume(): void {
    this.signal('SIGCONT');
  }

  async stop(): Promise<undefined> {
    await this.server?.stop();
  }

  private signal(signal: NodeJS.Signals): void {
    if (this.server !== undefined) process.kill(this.server.pid, signal);
  }
}
