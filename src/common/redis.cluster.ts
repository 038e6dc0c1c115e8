import { createConnection, type NetConnectOpts, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AbstractConnector, Redis, type RedisOptions } from 'ioredis';

const ANSWER_WITHIN_MS = 1_000;
const LET_GO_WITHIN_MS = 300;

/** As CLUSTER SLOTS tells: first the node that owns the slots, then its replicas. */
type SlotRange = readonly [first: number, last: number, ...nodes: (readonly [host: string | null, port: number])[]];

/** Where in a Redis Cluster the keys of one deployment are, which are all in one slot. */
export class RedisCluster {
  private readonly seeds: readonly string[];
  /** Those that had the slot when it was last asked about: of the nodes in the settings none may be left. */
  private holders: readonly string[] = [];

  /**
   * @param seeds URLs of some of its nodes
   * @param prefix of every key, with a hash tag
   */
  constructor(
    seeds: readonly string[],
    private readonly prefix: string,
  ) {
    this.seeds = seeds;
  }

  /**
   * URLs of the nodes that have the slot: the one that owns it, then its replicas. Asks all nodes that are known at once, as
   * one that hangs must not hold up the others, and believes the first that answers.
   * @throws Error when none tells within a second
   */
  async holdersOfSlot(): Promise<readonly [owner: string, ...replicas: string[]]> {
    const nodes = new Set([...this.holders, ...this.seeds]);
    try {
      const holders = await Promise.any([...nodes].map((node) => this.holdersBy(node)));
      this.holders = holders;
      return holders;
    } catch (error) {
      const [reason] = error instanceof AggregateError ? (error.errors as unknown[]) : [error];
      throw new Error(`no node of its cluster tells where the queue is: ${String(reason)}`, { cause: error });
    }
  }

  private async holdersBy(node: string): Promise<[owner: string, ...replicas: string[]]> {
    const redis = new Redis(node, {
      retryStrategy: () => null,
      enableReadyCheck: false,
      connectTimeout: ANSWER_WITHIN_MS,
      commandTimeout: ANSWER_WITHIN_MS,
      disconnectTimeout: LET_GO_WITHIN_MS,
    });
    // The commands below tell.
    redis.on('error', () => undefined);
    try {
      const [slot, slots] = await Promise.all([redis.cluster('KEYSLOT', this.prefix), redis.cluster('SLOTS')]);
      const range = (slots as unknown as SlotRange[]).find(([first, last]) => first <= slot && slot <= last) ?? [];
      const [, , ...holders] = range;
      const [owner, ...replicas] = holders.map(([host, port]) => at(node, host, port));
      if (owner === undefined) throw new Error('nobody has the slot');
      return [owner, ...replicas];
    } finally {
      redis.disconnect();
    }
  }
}

/** With the credentials of the node that told it. It may not know how it is called itself: then as it was reached. */
function at(teller: string, host: string | null, port: number): string {
  const url = new URL(teller);
  if (host !== null && host !== '' && host !== '?') url.hostname = host.includes(':') ? `[${host}]` : host;
  url.port = String(port);
  return url.href;
}

/** What an option of ioredis is called that decides where a connection leads. */
type Connector = NonNullable<RedisOptions['Connector']>;
type ReportError = (type: string, error: Error) => void;

/**
 * Leads each connection, also one that was lost and is made again, to a Redis that can be written: one that turns out to be a
 * replica is left and looked for anew. In a cluster it asks for the node that owns the slot at that moment. So the cluster is
 * used as a single Redis is, with all that holds for one: commands in their order, messages, scripts, signs of life. What a
 * client of the whole cluster could do more, such as using other slots, is of no use to keys that are in one.
 * @param cluster left out for a single Redis, which is where the connection's options say
 */
export function primaryConnector(cluster?: RedisCluster): Connector {
  return class extends AbstractConnector {
    private readonly options: RedisOptions;
    private reportError: ReportError = () => undefined;
    private left: unknown;

    constructor(options: unknown) {
      const { disconnectTimeout = 0 } = options as { disconnectTimeout?: number };
      super(disconnectTimeout);
      this.options = options as RedisOptions;
    }

    async connect(reportError: ReportError): Promise<Socket> {
      this.connecting = true;
      this.reportError = reportError;
      let stream: Socket;
      try {
        stream = this.open(await this.place());
      } catch (error) {
        // ioredis would take a rejection for the end; a stream that is closed already makes it try again.
        if (this.isWanted()) this.firstError = error as Error;
        stream = new Socket().destroy();
      }
      this.stream = stream;
      return stream;
    }

    /**
     * Asked by ioredis before it calls a connection ready.
     * @param info what `INFO` tells; without a role where the operator forbids it
     */
    override check({ role }: { role?: string }): boolean {
      const isPrimary = role !== 'slave';
      if (!isPrimary) this.reportError('error', new Error('it is a replica, which takes no writes'));
      return isPrimary;
    }

    /** Once of each stream: every answer of a burst asks for it, and would leave a timer and a listener. */
    override disconnect(): void {
      this.connecting = false;
      if (this.left === this.stream) return;
      this.left = this.stream;
      super.disconnect();
    }

    private async place(): Promise<NetConnectOpts> {
      if (cluster === undefined) {
        const { host = 'localhost', port = 6379, family } = this.options;
        return { host, port, ...(family === undefined ? {} : { family }) };
      }
      const [owner] = await cluster.holdersOfSlot();
      const { hostname, port } = new URL(owner);
      return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) };
    }

    /** Asked anew: while the owner was looked for it may have changed, which the compiler does not consider. */
    private isWanted(): boolean {
      return this.connecting;
    }

    private open(to: NetConnectOpts): Socket {
      if (!this.isWanted()) throw new Error('Connection is closed.');
      // Of the URL rediss:// ioredis makes a `true`.
      const tls = this.options.tls as RedisOptions['tls'] | true;
      const stream = tls ? connectTls({ ...to, ...(tls === true ? {} : tls) }) : createConnection(to);
      return stream.once('error', (error: Error) => {
        this.firstError = error;
      });
    }
  };
}
