import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from '../../src/embedded/ports.js';

/** Stands between a process and Redis. Can keep back what Redis answers, cut connections, and lead new ones to another Redis. */
export class RedisProxy {
  private readonly connections = new Set<{ client: Socket; upstream: Socket; sent: string }>();
  private marker: string | undefined;
  private lost = false;

  private constructor(
    private readonly server: Server,
    readonly url: string,
    private redisPort: number,
  ) {}

  static async start(redisPort: number): Promise<RedisProxy> {
    const port = await freePort();
    const server = createServer((client) => {
      const upstream = connect(proxy.redisPort, '127.0.0.1');
      const connection = { client, upstream, sent: '' };
      proxy.connections.add(connection);
      client.on('data', (data) => {
        if (connection.sent.length < 100_000) connection.sent += data.toString('latin1');
        upstream.write(data);
      });
      upstream.on('data', (data) => {
        if (proxy.marker === undefined || !connection.sent.includes(proxy.marker)) client.write(data);
        else proxy.lost = true;
      });
      for (const [one, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        one.on('close', () => other.destroy());
        one.on('error', () => undefined);
      }
    });
    const proxy = new RedisProxy(server, `redis://127.0.0.1:${port}`, redisPort);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return proxy;
  }

  /** From now on answers are lost on connections that have sent `marker` among their first bytes. */
  loseAnswersTo(marker: string): void {
    this.marker = marker;
  }

  /** Leads connections that are made from now on to another Redis; those that are there stay. */
  leadTo(redisPort: number): void {
    this.redisPort = redisPort;
  }

  /** Cuts all connections. */
  cut(): void {
    for (const { client, upstream } of this.connections) {
      client.destroy();
      upstream.destroy();
    }
    this.connections.clear();
  }

  get hasLostAnswers(): boolean {
    return this.lost;
  }

  /** Whether any connection has sent this text among its first bytes. */
  hasSent(text: string): boolean {
    return [...this.connections].some(({ sent }) => sent.includes(text));
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
