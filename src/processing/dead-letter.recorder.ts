import { Injectable, Logger } from '@nestjs/common';
import { toErrorRow } from '../errors/recorded-error.js';
import type { NewDeadLetter } from '../transport/dead-letters.js';
import type { EventBatch } from '../transport/event-batch.js';
import { BatchRefusedError } from '../warehouse/warehouse.errors.js';
import { encodedEvents, eventsByTenant } from '../warehouse/event-row.reader.js';
import { encodeErrorRow } from '../warehouse/error.writer.js';
import { ErrorStorage } from './errors.processor.js';
import { inOneInsert } from './insert.groups.js';

/** Tells tenants, among their errors, that a batch with events of theirs could not be stored. */
@Injectable()
export class DeadLetterRecorder {
  private readonly logger = new Logger(DeadLetterRecorder.name);

  constructor(private readonly storage: ErrorStorage) {}

  /**
   * Returns when ClickHouse has committed one error for each tenant of each letter, under the letter's own id: a pointer to it, and
   * stored once, however often the batch is delivered. Straight into ClickHouse, which has just answered, so that the news cannot
   * get lost between here and the dead letters.
   * @param letters of one delivery, one at least
   * @throws Error when the process shuts down or ClickHouse went away; the batch is then delivered again
   */
  async record(letters: readonly NewDeadLetter[]): Promise<void> {
    const errors = letters.map(({ batch, reason }) => ({ ...batch, rows: Buffer.from(this.linesOf(batch, reason)) }));
    const { id, rows } = inOneInsert(errors);
    if (rows.byteLength === 0) return;
    try {
      await this.storage.store({ id, rows });
    } catch (error) {
      if (!(error instanceof BatchRefusedError)) {
        throw error;
      }
      // The dead letters themselves count for more than the news of them.
      this.logger.error(`The dead letters ${id} were not recorded for their tenants. ${error.message}`);
    }
  }

  private linesOf(batch: EventBatch, reason: string): string {
    const counts = eventsByTenant(batch.rows);
    if (counts.size === 0) {
      this.logger.error(`Whose events batch ${batch.id} holds cannot be told from its rows.`);
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
    return lines.join('');
  }
}
