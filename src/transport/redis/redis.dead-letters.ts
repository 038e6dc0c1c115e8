import { Logger } from '@nestjs/common';
import type { Redis, Result } from 'ioredis';
import { uuid7 } from '../../common/uuid7.js';
import type { DeadLetter, DeadLetters, DeadLetterSummary } from '../dead-letters.js';
import type { EventBatch } from '../event-batch.js';
import { PUBLISH_TIMEOUT_MS } from '../event-transport.js';
import { currentType } from '../legacy-jobs.js';
import { askRedis } from './ask-redis.js';

/** From here on the log warns at every tenth of it. */
const MANY = 10_000;
/** What a letter takes in Redis beside its rows. */
const BYTES_PER_LETTER = 1024;
/** Parts of Redis's memory that the letters may take; the queue has the rest. */
const ALL_MAY_TAKE = 1 / 5;
const TENANT_MAY_TAKE = 1 / 20;
/** Of a Redis that does not tell how much memory it may take. */
const MEMORY_IF_UNKNOWN = 1024 ** 3;
const REPORT_AT_MOST_EVERY_MS = 60_000;
/** Half of the least that `proto-max-bulk-len` can be: what is too large for the queue is kept all the same. */
const FIELD_MAX_BYTES = 512 * 1024;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    segopsBury(
      letters: string,
      lettersOfTenant: string,
      letter: string,
      sizes: string,
      id: string,
      diedAt: string,
      tenantId: string,
      bytes: number,
      ...fields: (string | Buffer)[]
    ): Result<[isKept: number, isNew: number, count: number], Context>;
    segopsUnbury(
      letters: string,
      lettersOfTenant: string,
      letter: string,
      sizes: string,
      id: string,
      death: string,
    ): Result<number, Context>;
  }
}

/** The sizes have those of each tenant, after `of:`, and their sum. */
const RESIZE = `
local function resize(tenant, by)
  for _, field in ipairs({ 'all', 'of:' .. tenant }) do
    if redis.call('HINCRBY', KEYS[4], field, by) <= 0 then redis.call('HDEL', KEYS[4], field) end
  end
end`;

const BURY = `${RESIZE}
local info = redis.pcall('INFO', 'memory')
if type(info) ~= 'string' then info = '' end
local function told(name) return tonumber(string.match(info, '\\n' .. name .. ':(%d+)') or '0') end
local memory = told('maxmemory')
if memory == 0 then memory = told('total_system_memory') end
if memory == 0 then memory = ${MEMORY_IF_UNKNOWN} end
local tenant, bytes = ARGV[3], tonumber(ARGV[4]) - tonumber(redis.call('HGET', KEYS[3], 'bytes') or '0')
local all, own = unpack(redis.call('HMGET', KEYS[4], 'all', 'of:' .. tenant))
if bytes > 0 and (tonumber(all or '0') + bytes > memory * ${ALL_MAY_TAKE}
  or tonumber(own or '0') + bytes > memory * ${TENANT_MAY_TAKE}) then return { 0, 0, 0 } end
resize(tenant, bytes)
redis.call('DEL', KEYS[3])
redis.call('HSET', KEYS[3], 'diedAt', ARGV[2], 'tenantId', tenant, 'bytes', ARGV[4], unpack(ARGV, 5))
local isNew = redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
return { 1, isNew, redis.call('ZCARD', KEYS[1]) }`;

const UNBURY = `${RESIZE}
if redis.call('HGET', KEYS[3], 'death') ~= ARGV[2] then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
local tenant, bytes = unpack(redis.call('HMGET', KEYS[3], 'tenantId', 'bytes'))
-- Those of builds that did not count them have no size.
if bytes then resize(tenant or '', -bytes) end
return redis.call('DEL', KEYS[3])`;

/**
 * The dead letters of every broker, in the Redis that the instances share: a hash for each, and its id by time of death in two
 * sorted sets, of all and of its tenant.
 */
export class RedisDeadLetters implements DeadLetters {
  private readonly logger = new Logger(RedisDeadLetters.name);
  private reportAgainAt = -Infinity;

  /**
   * @param toKey the whole Redis key of a name
   * @param requeue puts a batch into the queue once more, even if an earlier delivery of it is just coming to its end
   */
  constructor(
    private readonly redis: Redis,
    private readonly toKey: (name: string) => string,
    private readonly requeue: (batch: EventBatch) => Promise<void>,
  ) {
    redis.defineCommand('segopsBury', { numberOfKeys: 4, lua: BURY });
    redis.defineCommand('segopsUnbury', { numberOfKeys: 4, lua: UNBURY });
  }

  /**
   * Resolves when the letter is on disk. One of the same id is replaced.
   * @returns false when dead letters, all or its tenant's, take as much memory as they may: then it is given up. A tenant whose
   * events are refused must not take the room that everybody's events need, and what is kept already stays.
   */
  async add({ batch, tenantId = '', reason, diedAt }: DeadLetter): Promise<boolean> {
    const { id, type, events, rows } = batch;
    const [isKept, isNew, count] = await this.ask('keep a dead letter', () =>
      this.redis.segopsBury(
        ...this.keysOf(id, tenantId),
        id,
        String(diedAt),
        tenantId,
        rows.byteLength + BYTES_PER_LETTER,
        // Tells this death of the batch from an earlier one that is just being replayed.
        ...['death', uuid7(), 'reason', reason, 'type', type, 'events', String(events)],
        ...fieldsOf(rows),
      ),
    );
    if (isNew === 1 && count >= MANY && count % (MANY / 10) === 0) {
      this.logger.warn(
        `Redis keeps ${count} dead letters, and every one takes memory that events need. Mend what makes ClickHouse ` +
          'refuse them and run `segops dead-letter replay --all`, or remove them.',
      );
    }
    if (isKept === 0) this.report(tenantId);
    return isKept === 1;
  }

  private report(tenantId: string): void {
    if (performance.now() < this.reportAgainAt) return;
    this.reportAgainAt = performance.now() + REPORT_AT_MOST_EVERY_MS;
    this.logger.error(
      `Events that ClickHouse refuses are given up: the dead letters of tenant "${tenantId}", or all, take as much of Redis ` +
        'as they may. Mend the cause and run `segops dead-letter replay --all`, or remove them.',
    );
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
    // First into the queue, then away: a crash in between leaves both, and its events are stored once all the same.
    await this.requeue({ ...found.letter.batch, mayBeRepeated: true });
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
    if (fields[rowsField(0)] === undefined) {
      return undefined;
    }
    const rows = rowsIn(fields);
    const letter = {
      batch: { id, type: currentType(text('type')), events: Number(text('events')), rows },
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
          type: currentType(type),
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

  private keysOf(
    id: string,
    tenantId: string,
  ): [letters: string, lettersOfTenant: string, letter: string, sizes: string] {
    const sizes = this.toKey('segops:dead-letter-sizes');
    return [this.indexOf(undefined), this.indexOf(tenantId), this.keyOf(id), sizes];
  }

  private keyOf(id: string): string {
    return this.toKey(`segops:dead-letter:${id}`);
  }

  /** Letters that are nobody's have an index too, that of the tenant without a name. */
  private indexOf(tenantId: string | undefined): string {
    return this.toKey(tenantId === undefined ? 'segops:dead-letters' : `segops:dead-letters-of:${tenantId}`);
  }
}

/** Rows as fields of a hash and their values. */
function fieldsOf(rows: Uint8Array): (string | Buffer)[] {
  const bytes = Buffer.from(rows.buffer, rows.byteOffset, rows.byteLength);
  const count = Math.max(1, Math.ceil(bytes.length / FIELD_MAX_BYTES));
  return Array.from({ length: count }, (_, i) => [
    rowsField(i),
    bytes.subarray(i * FIELD_MAX_BYTES, (i + 1) * FIELD_MAX_BYTES),
  ]).flat();
}

function rowsIn(fields: Readonly<Record<string, Buffer>>): Buffer {
  const parts: Buffer[] = [];
  for (let part = fields[rowsField(0)]; part !== undefined; part = fields[rowsField(parts.length)]) parts.push(part);
  return Buffer.concat(parts);
}

/** Letters of older builds have all of their rows in the first one. */
function rowsField(index: number): string {
  return index === 0 ? 'rows' : `rows:${index}`;
}
