import { createConnection, type NetConnectOpts, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AbstractConnector, Redis, type RedisOptions } from 'ioredis';

const ANSWER_WITHIN_MS = 1_000;
const LET_GO_WITHIN_MS = 300;

/** An element of CLUSTER SLOTS: the owner of the slots, then its replicas. */
type SlotRange = readonly [first: number, last: number, ...nodes: (readonly [host: string | null, port: number])[]];

/** Finds the nodes of a Redis Cluster that have the keys of a deployment, which are all in one slot. */
export class RedisCluster {
  /** The last known holders: the nodes of the settings may all be gone. */
  private holders: readonly string[] = [];

  /**
   * @param seeds URLs of some of its nodes
   * @param prefix of every key, with a hash tag
   */
  constructor(
    private readonly seeds: readonly string[],
    private readonly prefix: string,
  ) {}

  /**
   * URLs of the slot's owner and its replicas. All known nodes are asked at once, since one may hang; the first answer counts.
   * @throws Error when no node answers within a second
   */
  async holdersOfSlot(): Promise<readonly [owner: string, ...replicas: string[]]> {
    const nodes = new Set([...this.holders, ...this.seeds]);
    try {
      const holders = await Promise.any([...nodes].map((node) => this.holdersBy(node)));
      this.holders = holders;
      return holders;
    } catch (error) {
      const [reason] = error instanceof AggregateError ? (error.errors as unknown[]) : [error];
      throw new Error(`no node of its cluster says where the queue is: ${String(reason)}`, { cause: error });
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
    // The commands below reject.
    redis.on('error', () => undefined);
    try {
      const [slot, slots] = await Promise.all([redis.cluster('KEYSLOT', this.prefix), redis.cluster('SLOTS')]);
      const range = (slots as unknown as SlotRange[]).find(([first, last]) => first <= slot && slot <= last) ?? [];
      const [, , ...holders] = range;
      const [owner, ...replicas] = holders.map(([host, port]) => at(node, host, port));
      if (owner === undefined) throw new Error('no node has the slot');
      return [owner, ...replicas];
    } finally {
      redis.disconnect();
    }
  }
}

/** With the credentials of the node that answered, and its host where it does not know its own name. */
function at(answerer: string, host: string | null, port: number): string {
  const url = new URL(answerer);
  if (host !== null && host !== '' && host !== '?') url.hostname = host.includes(':') ? `[${host}]` : host;
  url.port = String(port);
  return url.href;
}

/** The option of ioredis that decides where a connection leads. */
type Connector = NonNullable<RedisOptions['Connector']>;
type ReportError = (type: string, error: Error) => void;

/**
 * Connects to a Redis that can be written: connections to a replica are dropped and made anew, as lost ones are. In a cluster it
 * asks each time for the owner of the slot. So a cluster is used like a single Redis, with its order of commands, messages and
 * scripts; a cluster client would add nothing, since all keys are in one slot.
 * @param cluster undefined for a single Redis at the connection's own options
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
        // ioredis stops at a rejection; a closed stream makes it try again.
        if (this.isWanted()) this.firstError = error as Error;
        stream = new Socket().destroy();
      }
      this.stream = stream;
      return stream;
    }

    /**
     * Called by ioredis before a connection is ready.
     * @param info the answer of `INFO`; without a role where the operator forbids it
     */
    override check({ role }: { role?: string }): boolean {
      const isPrimary = role !== 'slave';
      if (!isPrimary) this.reportError('error', new Error('it is a replica, which takes no writes'));
      return isPrimary;
    }

    /** Once for each stream: each answer of a burst calls it, and would leave a timer and a listener. */
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

    /** A method, since the compiler does not know that the value changes during the search for the owner. */
    private isWanted(): boolean {
      return this.connecting;
    }

    private open(to: NetConnectOpts): Socket {
      if (!this.isWanted()) throw new Error('Connection is closed.');
      // ioredis sets `true` for the URL rediss://.
      const tls = this.options.tls as RedisOptions['tls'] | true;
      const stream = tls ? connectTls({ ...to, ...(tls === true ? {} : tls) }) : createConnection(to);
      return stream.once('error', (error: Error) => {
        this.firstError = error;
      });
    }
  };
}
