import { Redis } from 'ioredis';

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
