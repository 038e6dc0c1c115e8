import type { Redis, Result } from 'ioredis';
import { uuid7Time } from '../../common/uuid7.js';
import type { RedisRoom } from './redis.room.js';

/**
 * For so long a second copy of a combined batch is known as one. Such copies come from the spool of an API process whose
 * first publish Redis answered too late: seconds later as a rule, and after its next start if it ended meanwhile.
 */
const KNOWN_FOR_S = 2 * 3_600;
const ID_BYTES = 16;
const MINUTE_MS = 60_000;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    segopsCombine(keys: number, ...keysAndArgs: (string | Buffer)[]): Result<0 | 1, Context>;
  }
}

/** Keys of each job: the job, its lock, the combined ids of its minute. Arguments: two texts, a time, and a token and an id of each. */
const COMBINE = `
for i = 1, #KEYS / 3 do
  if redis.call('GET', KEYS[3 * i - 1]) ~= ARGV[2 * i + 2] then return 0 end
end
for i = 1, #KEYS / 3 do
  local data = ARGV[2]
  if i == 1 then data = ARGV[1] end
  redis.call('HSET', KEYS[3 * i - 2], 'data', data)
  if redis.call('APPEND', KEYS[3 * i], ARGV[2 * i + 3]) == ${ID_BYTES} then redis.call('EXPIRE', KEYS[3 * i], ARGV[3]) end
end
return 1`;

/** A job that this process is working on. */
export interface LockedJob {
  readonly id: string;
  /** BullMQ's proof that it has the lock. */
  readonly token: string;
}

/** Moves what several jobs hold into one of them, and knows for a while which batches were moved. */
export class CombinedBatches {
  /** @param toKey the whole Redis key of a name in the queue */
  constructor(
    private readonly redis: Redis,
    private readonly toKey: (name: string) => string,
    private readonly room: Pick<RedisRoom, 'borrow'>,
  ) {
    redis.defineCommand('segopsCombine', { lua: COMBINE });
  }

  /**
   * In one write: the first job gets `data`, the others `moved`, both as JSON.
   * @returns whether it was done; it is not when another worker may have one of the jobs by now, nor when Redis is so full that
   * it had better not hold everything twice for a moment
   * @throws Error when that is not known
   */
  async combine(jobs: readonly LockedJob[], data: Buffer, moved: string): Promise<boolean> {
    const keys = jobs.flatMap(({ id }) => [this.toKey(id), `${this.toKey(id)}:lock`, this.idsKey(id)]);
    const words = jobs.flatMap(({ id, token }) => [token, bytesOf(id)]);
    // In the command, and in its place before what was there is gone.
    const answer = await this.room.borrow(2 * data.length, () =>
      this.redis.segopsCombine(keys.length, ...keys, data, moved, String(KNOWN_FOR_S), ...words),
    );
    return answer === 1;
  }

  /** Whether the rows of this batch have gone into another. */
  async has(id: string): Promise<boolean> {
    const ids = await this.redis.getBuffer(this.idsKey(id));
    const wanted = bytesOf(id);
    for (let at = 0; at < (ids?.length ?? 0); at += ID_BYTES) {
      if (ids?.compare(wanted, 0, ID_BYTES, at, at + ID_BYTES) === 0) return true;
    }
    return false;
  }

  private idsKey(id: string): string {
    return this.toKey(`segops:combined:${Math.floor(uuid7Time(id) / MINUTE_MS)}`);
  }
}

function bytesOf(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}
