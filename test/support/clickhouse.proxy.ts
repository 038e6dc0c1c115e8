import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How far an insert of events comes: not to ClickHouse at all, or to its last bytes. */
export type Held = 'before' | 'within';

/** Stands between a process and ClickHouse, and can hold inserts of events back. */
export class ClickHouseProxy {
  private held: Held | undefined;
  private readonly waiting: (() => void)[] = [];

  private constructor(
    private readonly server: Server,
    private readonly upstream: URL,
  ) {}

  /** @param url as in CLICKHOUSE_URL */
  static async start(url: string): Promise<ClickHouseProxy> {
    const server = createServer((incoming, answer) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => void proxy.forward(incoming, Buffer.concat(chunks), answer));
    });
    const proxy = new ClickHouseProxy(server, new URL(url));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}${this.upstream.pathname}`;
  }

  /** Inserts that wait here now. */
  get holds(): number {
    return this.waiting.length;
  }

  hold(held: Held): void {
    this.held = held;
  }

  /** Lets those go on that wait, and all others. */
  release(): void {
    this.held = undefined;
    for (const goOn of this.waiting.splice(0)) goOn();
  }

  async stop(): Promise<void> {
    this.release();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async forward(
    { method, url = '/', headers }: IncomingMessage,
    body: Buffer,
    answer: ServerResponse,
  ): Promise<void> {
    const held = /INSERT[ +]INTO[ +]events/.test(decodeURIComponent(url)) ? this.held : undefined;
    if (held === 'before') await this.released();
    const { hostname, port } = this.upstream;
    const onward = request({ hostname, port, method, path: url, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    const last = held === 'within' ? 10 : 0;
    onward.write(body.subarray(0, body.length - last));
    if (held === 'within') await this.released();
    onward.end(body.subarray(body.length - last));
  }

  private released(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }
}
