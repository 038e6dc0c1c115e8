import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClickHouseServer } from '../../src/embedded/clickhouse.server.js';
import { freePort } from '../../src/embedded/ports.js';

const NAME = 'test-cluster';

/**
 * Two real ClickHouse servers that are the two shards of a cluster, behind one address that leads to each in turn. The
 * embedded engine has neither the queue of DDL nor replicas: in their place the address has every server carry out what says
 * ON CLUSTER, one statement after the other, with the engine of the same name that keeps no replicas.
 */
export class TestClickHouseCluster {
  readonly name = NAME;
  private turn = 0;
  private ddl: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly folder: string,
    readonly shards: readonly ClickHouseServer[],
    private readonly front: Server,
  ) {
    front.on('request', (request: IncomingMessage, response: ServerResponse) => void this.serve(request, response));
  }

  static async start(): Promise<TestClickHouseCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'segops-clickhouse-cluster-'));
    const ports = [await freePort(), await freePort()];
    const shard = (port: number) => `
      <shard><internal_replication>true</internal_replication>
      <replica><host>127.0.0.1</host><port>${port}</port></replica></shard>`;
    const shards = await Promise.all(
      ports.map((port, number) =>
        ClickHouseServer.start({
          dataDir: join(folder, String(number)),
          config: `<tcp_port>${port}</tcp_port><remote_servers><${NAME}>${ports.map(shard).join('')}</${NAME}></remote_servers>`,
        }),
      ),
    );
    const front = createServer().listen(0, '127.0.0.1');
    await once(front, 'listening');
    return new TestClickHouseCluster(folder, shards, front);
  }

  /** As in CLICKHOUSE_URL. */
  get url(): string {
    return `http://127.0.0.1:${(this.front.address() as AddressInfo).port}/segops`;
  }

  async stop(): Promise<void> {
    this.front.closeAllConnections();
    this.front.close();
    await Promise.all(this.shards.map((shard) => shard.kill()));
    await rm(this.folder, { recursive: true, force: true });
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const answer = await this.answer(request.url ?? '/', body);
    response.statusCode = answer.status;
    const code = answer.headers.get('x-clickhouse-exception-code');
    if (code !== null) response.setHeader('x-clickhouse-exception-code', code);
    response.end(Buffer.from(await answer.arrayBuffer()));
  }

  private async answer(url: string, body: Buffer): Promise<Response> {
    const text = body.toString();
    if (text.includes(' ON CLUSTER ')) {
      const before = this.ddl;
      const work = before.catch(() => undefined).then(() => this.onAll(url, withoutReplicas(text)));
      this.ddl = work;
      return work;
    }
    if (text.startsWith('SYSTEM SYNC REPLICA')) return new Response('');
    // Only the first has what replicas would have copied to the others.
    const number = url.includes('database=segops_local') ? 0 : this.turn++ % this.shards.length;
    return this.ask(number, url, body);
  }

  private async onAll(url: string, statement: string): Promise<Response> {
    let answer = new Response('');
    for (const number of this.shards.keys()) {
      answer = await this.ask(number, url, Buffer.from(statement));
      if (!answer.ok) return answer;
    }
    return answer;
  }

  private ask(number: number, url: string, body: Buffer): Promise<Response> {
    return fetch(`${this.shards[number]!.url}${url}`, { method: 'POST', body: new Uint8Array(body) });
  }
}

function withoutReplicas(statement: string): string {
  return statement
    .replace(/ ON CLUSTER `[^`]+`/, '')
    .replace(/\bReplicated(\w*MergeTree)\('[^']*', '[^']*'(?:, )?/, '$1(')
    .replace(/\breplicated_deduplication_window\b/, 'non_replicated_deduplication_window');
}
