import { formatSeed, parseSeed, reseededId, SEED_BYTES } from '../../idempotency/seed.js';
import { replaceIds } from '../../warehouse/event-row.reader.js';
import { derivedId, type EventBatch } from '../event-batch.js';
import type { RetryNote } from '../retry-notes.js';

/**
 * A spooled batch whose requests turned out to be retries: with the ids that their rows had in the earlier attempts. It has an id of
 * its own, since the queue may be just finishing the batch that it left out.
 * @param older notes of earlier attempts; of several equal requests in the batch one is the retry
 */
export function resumedBatch(batch: EventBatch, older: readonly RetryNote[]): EventBatch {
  const seeds = new Map<string, string>();
  const left = [...older];
  const notes = (batch.notes ?? []).map((note) => {
    const place = left.findIndex(({ fingerprint }) => fingerprint === note.fingerprint);
    const [earlier] = place === -1 ? [] : left.splice(place, 1);
    if (earlier === undefined) return note;
    seeds.set(note.seed, earlier.seed);
    return { ...note, seed: earlier.seed };
  });
  const rows = Buffer.from(batch.rows);
  replaceIds(rows, (id) => {
    const seed = seeds.get(formatSeed(id.subarray(0, SEED_BYTES)));
    return seed === undefined ? id : reseededId(id, parseSeed(seed));
  });
  return { ...batch, id: derivedId(batch.id, older.map(({ seed }) => seed).join(' ')), rows, notes };
}
