import { Injectable, Logger } from '@nestjs/common';
import { toErrorRow } from '../errors/recorded-error.js';
import type { EventBatch } from '../transport/event-batch.js';
import { BatchRefusedError } from '../warehouse/batch-refused.error.js';
import { encodedEvents } from '../warehouse/encoded-events.js';
import { encodeErrorRow } from '../warehouse/error-row.encoder.js';
import { eventsByTenant } from '../warehouse/events-by-tenant.js';
import { ErrorStorage } from './error.storage.js';

/** Tells tenants, among their errors, that a batch with events of theirs could not be stored. */
@Injectable()
export class DeadLetterRecorder {
  private readonly logger = new Logger(DeadLetterRecorder.name);

  constructor(private readonly storage: ErrorStorage) {}

  /**
   * Returns when ClickHouse has committed one error for each tenant, under the batch's own id: stored once, however often
   * the batch is delivered, and a pointer to the dead letter. Straight into ClickHouse, which has just answered, so that the
   * news cannot get lost between here and the dead letters.
   * @throws Error when the process shuts down or ClickHouse went away; the batch is then delivered again
   */
  async record(batch: EventBatch, reason: string): Promise<void> {
    const counts = eventsByTenant(batch.rows);
    if (counts.size === 0) {
      this.logger.error(`Whose events batch ${batch.id} holds cannot be told from its rows.`);
      return;
    }
    const isExact = [...counts.values()].reduce((sum, count) => sum + count, 0) === batch.events;
    const events = encodedEvents(batch.rows);
    // Of a single event it can be told which one it is.
    const only = events?.length === 1 ? events[0] : undefined;
    const lines = [...counts].map(([tenantId, count]) => {
      const number = `${isExact ? '' : 'at least '}${count.toLocaleString('en-US')}`;
      return encodeErrorRow({
        ...toErrorRow({
          tenantId,
          ts: Date.now(),
          errorType: 'dead_letter',
          source: 'worker',
          detail: `Events not stored, and kept among the dead letters: ${number}. ${reason}`,
          eventType: only?.eventType,
          userId: only?.userId,
        }),
        id: batch.id,
      });
    });
    try {
      await this.storage.store({ id: batch.id, rows: Buffer.from(lines.join('')) });
    } catch (error) {
      if (!(error instanceof BatchRefusedError)) {
        throw error;
      }
      // The dead letter itself counts for more than the news of it.
      this.logger.error(`The dead letter ${batch.id} was not recorded for its tenants. ${error.message}`);
    }
  }
}
