import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from '../../src/embedded/ports.js';

/** Stands between a process and Redis, and can keep back what Redis answers: commands are carried out, and nobody knows. */
export class RedisProxy {
  private readonly connections = new Set<{ client: Socket; upstream: Socket; sent: string }>();
  private marker: string | undefined;
  private lost = false;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(redisPort: number): Promise<RedisProxy> {
    const port = await freePort();
    const server = createServer((client) => {
      const upstream = connect(redisPort, '127.0.0.1');
      const connection = { client, upstream, sent: '' };
      proxy.connections.add(connection);
      client.on('data', (data) => {
        if (connection.sent.length < 10_000) connection.sent += data.toString('latin1');
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
    const proxy = new RedisProxy(server, `redis://127.0.0.1:${port}`);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return proxy;
  }

  /** From now on answers are lost on connections that have sent `marker` among their first bytes. */
  loseAnswersTo(marker: string): void {
    this.marker = marker;
  }

  get hasLostAnswers(): boolean {
    return this.lost;
  }

  async stop(): Promise<void> {
    for (const { client, upstream } of this.connections) {
      client.destroy();
      upstream.destroy();
    }
    await new Promise((resolve) => this.server.close(resolve));
  }
}
