import { type ServiceProcess, startProcess } from '../support/service.process.js';
import type { Part } from './part.js';

/** A process of the service, in any role. */
export class ServicePart implements Part {
  private service: ServiceProcess | undefined;

  constructor(
    readonly name: string,
    private readonly environment: Record<string, string>,
    private readonly port: number,
  ) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get pid(): number | undefined {
    return this.service?.pid;
  }

  async start(): Promise<void> {
    this.service = await startProcess(this.environment, this.port);
  }

  async kill(): Promise<void> {
    await this.service?.kill();
  }

  pause(): void {
    this.signal('SIGSTOP');
  }

  resume(): void {
    this.signal('SIGCONT');
  }

  async stop(): Promise<string | undefined> {
    const { service } = this;
    const code = await service?.stop();
    return service === undefined || code === 0
      ? undefined
      : `${this.name} ended with exit code ${String(code)} on SIGTERM. Its last lines:\n${service.lastLines}`;
  }

  private signal(signal: NodeJS.Signals): void {
    if (this.service !== undefined) process.kill(this.service.pid, signal);
  }
}
