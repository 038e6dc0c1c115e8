import type { ChainableCommander, Redis, Result } from 'ioredis';
import { withDeadline } from '../../common/deadline.js';
import { type NewNote, NOTE_LIFE_MS, OLD_NOTE_MS, type PublishOptions, type RetryNote } from '../retry-notes.js';
import { REDIS_NOW } from './worker.heartbeats.js';

/** Longer than Redis's usual pauses, shorter than clients notice. */
const ANSWER_WITHIN_MS = 250;

/**
 * KEYS: what the keys of notes start with, and the rows that are published in the same transaction. ARGV: notes of the batch and of
 * answered requests, one a line as `fingerprint seed receivedAt`, since one long argument costs the sender a tenth of what many short ones do.
 * So the keys of notes are made here; on a cluster they have the slot of the others. A note's value is its seed and when its
 * request came in, by the clock of its API; never later than Redis's own time, so that a clock that is ahead makes no note younger.
 *
 * With an older note of any request nothing is kept, neither notes nor rows, and the older ones are the answer. Of several equal
 * requests only one goes on with an older seed, and one may have done so already.
 */
const NOTE = `${REDIS_NOW}
local function each(lines, work)
  for fingerprint, seed, receivedAt in string.gmatch(lines, '(%S+) (%S+) (%d+)\\n') do
    local key = KEYS[1] .. fingerprint
    local value = redis.call('GET', key)
    local noted, at
    if value then noted, at = string.match(value, '^(%S+) (%d+)$') end
    work(fingerprint, seed, key, noted, tonumber(at), tonumber(receivedAt))
  end
end
each(ARGV[2], function(_, seed, key, noted)
  if noted == seed then redis.call('DEL', key) end
end)
local taken, older = {}, {}
each(ARGV[1], function(fingerprint, seed, _, noted)
  if noted == seed then taken[fingerprint] = true end
end)
each(ARGV[1], function(fingerprint, _, _, noted, at, receivedAt)
  if noted and not taken[fingerprint] and math.min(now, receivedAt) - at > ${OLD_NOTE_MS} then
    taken[fingerprint] = true
    table.insert(older, fingerprint)
    table.insert(older, noted)
  end
end)
if #older > 0 then
  redis.call('DEL', KEYS[2])
  return older
end
each(ARGV[1], function(_, seed, key, noted, _, receivedAt)
  if not noted or noted == seed then redis.call('SET', key, seed .. ' ' .. string.format('%.0f', math.min(now, receivedAt)), 'PX', ${NOTE_LIFE_MS}) end
end)
return older`;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    segopsNote(
      notes: string,
      rows: string,
      ofBatch: string | Buffer,
      answered: string | Buffer,
    ): Result<string[], Context>;
  }
}

/** Notes of requests in the Redis that instances share. */
export class RedisNotes {
  /** @param toKey the whole Redis key of a name */
  constructor(
    private readonly redis: Redis,
    private readonly toKey: (name: string) => string,
  ) {
    redis.defineCommand('segopsNote', { numberOfKeys: 2, lua: NOTE });
  }

  /**
   * Adds the notes to a transaction that writes rows. Its answer is for {@link notesIn}.
   * @param rowsKey is removed again when there is an older note
   */
  addTo(transaction: ChainableCommander, rowsKey: string, { notes = [], answered = [] }: PublishOptions): void {
    transaction.segopsNote(this.keys, rowsKey, linesOf(notes), linesOf(answered));
  }

  /**
   * Removes notes of requests whose answers are out.
   * @throws Error when that is not known
   */
  async forget(answered: readonly RetryNote[]): Promise<void> {
    if (this.redis.status !== 'ready') throw new Error('Redis cannot be told of answers: not connected');
    await this.redis.segopsNote(this.keys, this.noRows, '', linesOf(answered));
  }

  /** Keeps the notes, unless there are older ones. @returns those; none as well when Redis gives no answer in time */
  async keep({ notes = [], answered = [] }: PublishOptions): Promise<readonly RetryNote[]> {
    if (this.redis.status !== 'ready' || notes.length + answered.length === 0) return [];
    const keeping = this.redis.segopsNote(this.keys, this.noRows, linesOf(notes), linesOf(answered));
    const older = await withDeadline(keeping, ANSWER_WITHIN_MS, () => new Error('no answer')).catch(() => []);
    return notesIn(older);
  }

  private get keys(): string {
    return this.toKey('note:');
  }

  /** There is no such key. */
  private get noRows(): string {
    return this.toKey('no-rows');
  }
}

/** @param answer of the script: fingerprints and seeds in turns */
export function notesIn(answer: unknown): readonly RetryNote[] {
  const words = answer as readonly string[];
  return Array.from({ length: words.length / 2 }, (_, i) => ({
    fingerprint: words[2 * i] ?? '',
    seed: words[2 * i + 1] ?? '',
  }));
}

function linesOf(notes: readonly (RetryNote & Partial<NewNote>)[]): string {
  let lines = '';
  for (const { fingerprint, seed, receivedAt = 0 } of notes) lines += `${fingerprint} ${seed} ${receivedAt}\n`;
  return lines;
}
