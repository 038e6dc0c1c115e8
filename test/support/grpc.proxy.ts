import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from '../../src/embedded/ports.js';
import { Http2Frames } from './http2.frames.js';

/** Long enough for a busy emulator to see that a stream was ended before it sees that its connection is gone. */
const GOODBYE_MS = 5_000;

/**
 * The network between a process and the Pub/Sub emulator: it can break, and it can fall silent with its connections open.
 *
 * When a client is gone it ends the client's streams, as Google's front ends do. The emulator by itself does not notice (version
 * 0.8.20 throws a NoSuchMethodError over it) and goes on to deliver to the dead stream every other message.
 */
export class GrpcProxy {
  private server: Server | undefined;
  private readonly clients = new Set<Socket>();
  private readonly upstreams = new Set<Socket>();
  private isSilent = false;

  private constructor(
    private readonly target: number,
    private readonly port: number,
  ) {}

  /** @param target the emulator's port on 127.0.0.1 */
  static async start(target: number): Promise<GrpcProxy> {
    const proxy = new GrpcProxy(target, await freePort());
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
    for (const client of this.clients) client.destroy();
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
    for (const socket of this.sockets()) socket.pause();
  }

  resume(): void {
    this.isSilent = false;
    for (const socket of this.sockets()) socket.resume();
  }

  private sockets(): Socket[] {
    return [...this.clients, ...this.upstreams];
  }

  private join(client: Socket, upstream: Socket): void {
    const frames = new Http2Frames();
    this.clients.add(client);
    this.upstreams.add(upstream);
    client.on('data', (chunk) => {
      const whole = frames.take(chunk);
      if (whole.length > 0) upstream.write(whole);
    });
    upstream.pipe(client);
    for (const socket of [client, upstream]) {
      if (this.isSilent) socket.pause();
      socket.on('error', () => undefined);
    }
    client.on('close', () => {
      this.clients.delete(client);
      upstream.write(frames.ends());
      // Nobody reads its answers any more.
      upstream.resume();
      upstream.unref();
      const goodbye = setTimeout(() => {
        upstream.end();
      }, GOODBYE_MS).unref();
      upstream.on('close', () => {
        clearTimeout(goodbye);
      });
    });
    upstream.on('close', () => {
      this.upstreams.delete(upstream);
      client.destroy();
    });
  }
}
