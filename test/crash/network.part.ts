import type { GrpcProxy } from '../support/grpc.proxy.js';
import type { Part } from './part.js';

/** The network to a server that itself never crashes. */
export class NetworkPart implements Part {
  /**
   * @param network works already
   * @param pid of the server
   */
  constructor(
    readonly name: string,
    private readonly network: GrpcProxy,
    readonly pid: number,
  ) {}

  async start(): Promise<void> {
    await this.network.restore();
  }

  async kill(): Promise<void> {
    await this.network.cut();
  }

  pause(): void {
    this.network.pause();
  }

  resume(): void {
    this.network.resume();
  }

  stop(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
}
