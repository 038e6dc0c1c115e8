import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from '../../src/embedded/ports.js';
import { RedisServer } from '../../src/embedded/redis.server.js';
import { freshRedisPrefix } from './servers.js';
import { waitUntil } from './wait-until.js';

const OWNERS = 3;
const SLOTS = 16_384;

interface Node {
  readonly folder: string;
  readonly busPort: number;
  server: RedisServer;
}

/** A real Redis Cluster of three nodes that own a third of the slots each, and of as many replicas of the first as asked for. */
export class TestRedisCluster {
  private constructor(
    private readonly folder: string,
    private readonly nodes: readonly Node[],
  ) {}

  /** As in REDIS_URL; names the first two. */
  get url(): string {
    return `redis+cluster://${this.nodes
      .slice(0, 2)
      .map(({ server }) => `127.0.0.1:${server.port}`)
      .join(',')}`;
  }

  static async start({ replicas = 0 } = {}): Promise<TestRedisCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'segops-redis-cluster-'));
    const nodes = await Promise.all(
      Array.from({ length: OWNERS + replicas }, async (_, number) => {
        const node = { folder: join(folder, String(number)), busPort: await freePort() };
        return { ...node, server: await startNode(node) };
      }),
    );
    const cluster = new TestRedisCluster(folder, nodes);
    await cluster.join();
    return cluster;
  }

  /** A plain connection to each node, for `work`. */
  async onEach<T>(work: (redis: Redis, number: number) => Promise<T>): Promise<T[]> {
    return Promise.all(
      this.nodes.map(async ({ server }, number) => {
        const redis = new Redis(server.url);
        try {
          return await work(redis, number);
        } finally {
          redis.disconnect();
        }
      }),
    );
  }

  /** The number of the node that owns the slot of a key, as the node `by` sees it. */
  async ownerOf(key: string, by = 0): Promise<number> {
    const redis = new Redis(this.node(by).server.url);
    try {
      const slot = await redis.cluster('KEYSLOT', key);
      const ranges = await redis.cluster('SLOTS');
      const port = ranges.find(([first, last]) => first <= slot && slot <= last)?.[2]?.[1];
      return this.nodes.findIndex(({ server }) => server.port === port);
    } finally {
      redis.disconnect();
    }
  }

  node(number: number): Node {
    return this.nodes[number]!;
  }

  /** A start of keys that are all in a slot of that node. */
  async prefixOn(number: number): Promise<string> {
    for (;;) {
      const prefix = `{${freshRedisPrefix()}}`;
      if ((await this.ownerOf(prefix)) === number) return prefix;
    }
  }

  /** Moves the slot of a key, with all that is in it, from one node to another, as an operator would. */
  async move(key: string, from: number, to: number): Promise<void> {
    const ids = await this.onEach((redis) => redis.cluster('MYID'));
    const [source, target] = [from, to].map((number) => new Redis(this.node(number).server.url)) as [Redis, Redis];
    const slot = await source.cluster('KEYSLOT', key);
    await target.cluster('SETSLOT', slot, 'IMPORTING', ids[from]!);
    await source.cluster('SETSLOT', slot, 'MIGRATING', ids[to]!);
    const keys = await source.cluster('GETKEYSINSLOT', slot, 1000);
    await source.call('MIGRATE', '127.0.0.1', this.node(to).server.port, '', 0, 1000, 'KEYS', ...keys);
    await target.cluster('SETSLOT', slot, 'NODE', ids[to]!);
    await source.cluster('SETSLOT', slot, 'NODE', ids[to]!);
    source.disconnect();
    target.disconnect();
    await waitUntil(async () => (await this.ownerOf(key)) === to);
  }

  /** Ends them all as a crash would. */
  async kill(): Promise<void> {
    await Promise.all(this.nodes.map(({ server }) => server.kill()));
  }

  /** Starts them all again, after {@link kill}, with what they have on disk. */
  async restart(): Promise<void> {
    for (const node of this.nodes) node.server = await startNode({ ...node, port: node.server.port });
    await this.untilWhole();
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    for (const { server } of this.nodes) process.kill(server.pid, signal);
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map(({ server }) => server.kill()));
    await rm(this.folder, { recursive: true, force: true });
  }

  private async join(): Promise<void> {
    await this.onEach(async (redis, number) => {
      await redis.cluster('SET-CONFIG-EPOCH', number + 1);
      if (number >= OWNERS) return;
      const [first, after] = [number, number + 1].map((third) => Math.floor((third * SLOTS) / OWNERS));
      await redis.cluster('ADDSLOTSRANGE', first!, after! - 1);
    });
    const [{ server, busPort }] = this.nodes as [Node];
    await this.onEach(async (redis, number) => {
      if (number > 0) await redis.call('CLUSTER', 'MEET', '127.0.0.1', server.port, busPort);
    });
    const [owner] = await this.onEach((redis) => redis.cluster('MYID'));
    await this.onEach(async (redis, number) => {
      if (number < OWNERS) return;
      await waitUntil(() => redis.cluster('REPLICATE', owner!).then(Boolean, () => false));
      await waitUntil(async () => (await redis.info('replication')).includes('master_link_status:up'));
    });
    await this.untilWhole();
  }

  private async untilWhole(): Promise<void> {
    await this.onEach(async (redis) => {
      await waitUntil(async () => {
        const info = await redis.cluster('INFO');
        // What each node has, its replica included, gets round as gossip.
        const holders = (await redis.cluster('SLOTS')).flatMap(([, , ...nodes]) => nodes.map(([, port]) => port));
        return info.includes('cluster_state:ok') && new Set(holders).size === this.nodes.length;
      });
    });
  }
}

function startNode({ folder, busPort, port }: Omit<Node, 'server'> & { port?: number }): Promise<RedisServer> {
  return RedisServer.start({
    dataDir: folder,
    ...(port === undefined ? {} : { port }),
    // After two seconds of silence a node counts as gone, and not sooner on a busy machine.
    args: ['--cluster-enabled', 'yes', '--cluster-port', String(busPort), '--cluster-node-timeout', '2000'],
  });
}
