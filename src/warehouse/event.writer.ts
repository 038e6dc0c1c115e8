import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { type ClickHouseClient, ClickHouseError } from '@clickhouse/client';
import { BatchRefusedError } from './batch-refused.error.js';
import { EVENT_COLUMNS } from './event-row.encoder.js';
import { WarehouseUnavailableError } from './warehouse-unavailable.error.js';

export const STORE_TIMEOUT_MS = 30_000;

const INSERT = `INSERT INTO events (${EVENT_COLUMNS.join(', ')}) FORMAT RowBinary`;

/**
 * The rows themselves are at fault: ClickHouse will say the same to the same bytes tomorrow. The names are written here,
 * since what the client takes for a name may come from a row that the message quotes.
 */
const REFUSALS = new Map([
  ['32', 'ATTEMPT_TO_READ_AFTER_EOF'],
  ['33', 'CANNOT_READ_ALL_DATA'],
  ['117', 'INCORRECT_DATA'],
  ['128', 'TOO_LARGE_ARRAY_SIZE'],
  ['131', 'TOO_LARGE_STRING_SIZE'],
  ['321', 'VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE'],
  ['469', 'VIOLATED_CONSTRAINT'],
]);

/** Stores batches of encoded events. Stateless; any number of calls may run at once. */
export class EventWriter {
  constructor(
    private readonly client: ClickHouseClient,
    private readonly timeoutMs: number = STORE_TIMEOUT_MS,
  ) {}

  /**
   * Resolves when ClickHouse has committed the rows. Storing a batch of the same id again leaves one copy.
   * @param batch `rows` comes from {@link EventRowEncoder.take}
   * @throws BatchRefusedError when the rows can never be stored; any other error means: try again later
   */
  async store(batch: { readonly id: string; readonly rows: Uint8Array }): Promise<void> {
    const deadline = AbortSignal.timeout(this.timeoutMs);
    try {
      const { stream } = await this.client.exec({
        query: INSERT,
        values: Readable.from(Buffer.from(batch.rows.buffer, batch.rows.byteOffset, batch.rows.byteLength)),
        abort_signal: deadline,
        clickhouse_settings: {
          // The server makes one part of many batches; each keeps its own token. Where there is no queue for that, as in
          // the embedded engine, the insert is an ordinary one.
          async_insert: 1,
          wait_for_async_insert: 1,
          async_insert_deduplicate: 1,
          deduplicate_blocks_in_dependent_materialized_views: 1,
          insert_deduplication_token: batch.id,
        },
      });
      // The connection is free for the next batch only when the answer, though empty, was read.
      await finished(stream.resume());
    } catch (error) {
      throw this.classify(error, deadline);
    }
  }

  /** ClickHouse quotes rows and SQL in its messages, so only code and name go further. */
  private classify(error: unknown, deadline: AbortSignal): unknown {
    if (error instanceof ClickHouseError) {
      const refusal = REFUSALS.get(error.code);
      return refusal === undefined
        ? new WarehouseUnavailableError(`ClickHouse did not store the batch: ${error.type ?? 'error'} (${error.code})`)
        : new BatchRefusedError(error.code, refusal);
    }
    if (deadline.aborted) {
      return new WarehouseUnavailableError(`ClickHouse did not answer within ${this.timeoutMs} ms`);
    }
    return error;
  }
}
