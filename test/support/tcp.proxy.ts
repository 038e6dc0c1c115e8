import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from '../../src/embedded/ports.js';

/** The network between a process and a server: it can break, and it can fall silent with its connections open. */
export class TcpProxy {
  private server: Server | undefined;
  private readonly sockets = new Set<Socket>();
  private isSilent = false;

  private constructor(
    private readonly target: number,
    private readonly port: number,
  ) {}

  /** @param target the server's port on 127.0.0.1 */
  static async start(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target, await freePort());
    await proxy.restore();
    return proxy;
  }

  /** `host:port` to connect to. */
  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Breaks all connections and refuses new ones. */
  async cut(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    for (const socket of this.sockets) socket.destroy();
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
  }

  /** Takes connections again, after {@link cut}. */
  async restore(): Promise<void> {
    if (this.server !== undefined) return;
    const server = createServer((client) => {
      this.join(client, connect(this.target, '127.0.0.1'));
    });
    this.server = server;
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
  }

  /** Passes nothing on, in either direction, until {@link resume}. */
  pause(): void {
    this.isSilent = true;
    for (const socket of this.sockets) socket.pause();
  }

  resume(): void {
    this.isSilent = false;
    for (const socket of this.sockets) socket.resume();
  }

  private join(client: Socket, upstream: Socket): void {
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.sockets.add(one);
      one.pipe(other);
      if (this.isSilent) one.pause();
      one.on('error', () => undefined);
      one.on('close', () => {
        this.sockets.delete(one);
        other.destroy();
      });
    }
  }
}
