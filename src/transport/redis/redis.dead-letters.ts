import { Logger } from '@nestjs/common';
import type { Redis, Result } from 'ioredis';
import { uuid7 } from '../../common/uuid7.js';
import type { DeadLetter, DeadLetters, DeadLetterSummary } from '../dead-letters.js';
import type { EventBatch } from '../event-batch.js';
import { PUBLISH_TIMEOUT_MS } from '../event-transport.js';
import { askRedis } from './ask-redis.js';

/** From here on the log warns at every tenth of it: each takes its rows and about 1 kB more of Redis's memory. */
const MANY = 10_000;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    segopsBury(
      letters: string,
      lettersOfTenant: string,
      letter: string,
      id: string,
      diedAt: string,
      ...fields: (string | Buffer)[]
    ): Result<[isNew: number, count: number], Context>;
    segopsUnbury(
      letters: string,
      lettersOfTenant: string,
      letter: string,
      id: string,
      death: string,
    ): Result<number, Context>;
  }
}

const BURY = `
redis.call('HSET', KEYS[3], 'diedAt', ARGV[2], unpack(ARGV, 3))
local isNew = redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
return { isNew, redis.call('ZCARD', KEYS[1]) }`;

const UNBURY = `
if redis.call('HGET', KEYS[3], 'death') ~= ARGV[2] then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('DEL', KEYS[3])`;

/**
 * The dead letters of every broker, in the Redis that the instances share: a hash for each, and its id by time of death in two
 * sorted sets, of all and of its tenant.
 */
export class RedisDeadLetters implements DeadLetters {
  private readonly logger = new Logger(RedisDeadLetters.name);

  /**
   * @param toKey the whole Redis key of a name
   * @param requeue puts a batch into the queue once more, even if an earlier delivery of it is just coming to its end
   */
  constructor(
    private readonly redis: Redis,
    private readonly toKey: (name: string) => string,
    private readonly requeue: (batch: EventBatch) => Promise<void>,
  ) {
    redis.defineCommand('segopsBury', { numberOfKeys: 3, lua: BURY });
    redis.defineCommand('segopsUnbury', { numberOfKeys: 3, lua: UNBURY });
  }

  /** Resolves when the letter is on disk. Adding one of the same id again replaces it. */
  async add({ batch, tenantId = '', reason, diedAt }: DeadLetter): Promise<void> {
    const { id, type, events, rows } = batch;
    const [isNew, count] = await this.ask('keep a dead letter', () =>
      this.redis.segopsBury(
        ...this.keysOf(id, tenantId),
        id,
        String(diedAt),
        // Tells this death of the batch from an earlier one that is just being replayed.
        ...['death', uuid7(), 'tenantId', tenantId, 'reason', reason, 'type', type, 'events', String(events)],
        ...['rows', Buffer.from(rows.buffer, rows.byteOffset, rows.byteLength)],
      ),
    );
    if (isNew === 1 && count >= MANY && count % (MANY / 10) === 0) {
      this.logger.warn(
        `Redis keeps ${count} dead letters, and every one takes memory that events need. Mend what makes ClickHouse ` +
          'refuse them and run `segops dead-letter replay --all`, or remove them.',
      );
    }
  }

  async list({ tenantId, limit }: { tenantId?: string | undefined; limit: number }): Promise<DeadLetterSummary[]> {
    return this.ask('list dead letters', async () => {
      const ids = await this.redis.zrange(this.indexOf(tenantId), 0, limit - 1);
      const summaries = await Promise.all(ids.map((id) => this.summaryOf(id)));
      return summaries.filter((summary) => summary !== undefined);
    });
  }

  async get(id: string): Promise<DeadLetter | undefined> {
    return (await this.read(id))?.letter;
  }

  async replay(id: string): Promise<boolean> {
    const found = await this.read(id);
    if (found === undefined) {
      return false;
    }
    // First into the queue, then away: a crash in between leaves both, and the batch's id makes the second copy harmless.
    await this.requeue(found.letter.batch);
    // Unless a worker was so quick to refuse it again that this is another letter by now.
    await this.take(found);
    return true;
  }

  async remove(id: string): Promise<boolean> {
    const found = await this.read(id);
    return found !== undefined && (await this.take(found));
  }

  private async take({ letter, death }: { letter: DeadLetter; death: string }): Promise<boolean> {
    const { batch, tenantId = '' } = letter;
    const keys = this.keysOf(batch.id, tenantId);
    return (await this.ask('let go of a dead letter', () => this.redis.segopsUnbury(...keys, batch.id, death))) === 1;
  }

  private async read(id: string): Promise<{ letter: DeadLetter; death: string } | undefined> {
    const fields = await this.ask('read a dead letter', () => this.redis.hgetallBuffer(this.keyOf(id)));
    const text = (name: string): string => fields[name]?.toString() ?? '';
    const { rows } = fields;
    if (rows === undefined) {
      return undefined;
    }
    const letter = {
      batch: { id, type: text('type'), events: Number(text('events')), rows },
      tenantId: text('tenantId') || undefined,
      reason: text('reason'),
      diedAt: Number(text('diedAt')),
    };
    return { letter, death: text('death') };
  }

  /** Undefined when the letter has gone since its id was read. */
  private async summaryOf(id: string): Promise<DeadLetterSummary | undefined> {
    const [type, events, tenantId, reason, diedAt] = await this.redis.hmget(
      this.keyOf(id),
      ...['type', 'events', 'tenantId', 'reason', 'diedAt'],
    );
    return typeof type === 'string'
      ? {
          id,
          type,
          events: Number(events),
          tenantId: tenantId ? tenantId : undefined,
          reason: reason ?? '',
          diedAt: Number(diedAt),
        }
      : undefined;
  }

  private ask<T>(what: string, question: () => Promise<T>): Promise<T> {
    return askRedis(this.redis, what, PUBLISH_TIMEOUT_MS, question);
  }

  private keysOf(id: string, tenantId: string): [letters: string, lettersOfTenant: string, letter: string] {
    return [this.indexOf(undefined), this.indexOf(tenantId), this.keyOf(id)];
  }

  private keyOf(id: string): string {
    return this.toKey(`segops:dead-letter:${id}`);
  }

  /** Letters that are nobody's have an index too, that of the tenant without a name. */
  private indexOf(tenantId: string | undefined): string {
    return this.toKey(tenantId === undefined ? 'segops:dead-letters' : `segops:dead-letters-of:${tenantId}`);
  }
}
