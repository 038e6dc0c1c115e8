import type { DeadLetter, DeadLetters, DeadLetterSummary } from '../dead-letters.js';
import type { SpoolQueue } from './spool.queue.js';
import type { SpoolStore } from './spool.store.js';

/** Dead letters in the spool, beside the batches that wait. */
export class SpoolDeadLetters implements DeadLetters {
  constructor(
    private readonly store: SpoolStore,
    private readonly queue: SpoolQueue,
  ) {}

  list({ tenantId, limit }: { tenantId?: string | undefined; limit: number }): Promise<DeadLetterSummary[]> {
    const summaries: DeadLetterSummary[] = [];
    for (const { batch, letter } of this.store.letters()) {
      if (tenantId !== undefined && letter.tenantId !== tenantId) continue;
      const { reason, diedAt } = letter;
      const { id, type, events } = batch;
      summaries.push({ id, type, events, tenantId: letter.tenantId, reason, diedAt });
    }
    return Promise.resolve(summaries.sort((a, b) => a.diedAt - b.diedAt).slice(0, limit));
  }

  get(id: string): Promise<DeadLetter | undefined> {
    const found = this.store.letter(id);
    return Promise.resolve(
      found && {
        batch: found.batch,
        tenantId: found.letter.tenantId,
        reason: found.letter.reason,
        diedAt: found.letter.diedAt,
      },
    );
  }

  replay(id: string): Promise<boolean> {
    return this.queue.revive(id);
  }

  remove(id: string): Promise<boolean> {
    return this.store.removeLetter(id);
  }
}
