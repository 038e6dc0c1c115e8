import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { type ClickHouseClient, ClickHouseError } from '@clickhouse/client';
import { BatchRefusedError } from './batch-refused.error.js';
import { WarehouseCluster } from './warehouse.cluster.js';
import { WarehouseUnavailableError } from './warehouse-unavailable.error.js';

const STORE_TIMEOUT_MS = 30_000;

/**
 * The rows themselves are at fault: ClickHouse will say the same to the same bytes tomorrow. The names are written here,
 * since what the client takes for a name may come from a row that the message quotes.
 */
const REFUSALS = new Map([
  ['6', 'CANNOT_PARSE_TEXT'],
  ['25', 'CANNOT_PARSE_ESCAPE_SEQUENCE'],
  ['26', 'CANNOT_PARSE_QUOTED_STRING'],
  ['27', 'CANNOT_PARSE_INPUT_ASSERTION_FAILED'],
  ['32', 'ATTEMPT_TO_READ_AFTER_EOF'],
  ['33', 'CANNOT_READ_ALL_DATA'],
  ['41', 'CANNOT_PARSE_DATETIME'],
  ['72', 'CANNOT_PARSE_NUMBER'],
  ['117', 'INCORRECT_DATA'],
  ['128', 'TOO_LARGE_ARRAY_SIZE'],
  ['131', 'TOO_LARGE_STRING_SIZE'],
  ['321', 'VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE'],
  ['376', 'CANNOT_PARSE_UUID'],
  ['469', 'VIOLATED_CONSTRAINT'],
]);

/** Rows in the format of the writer's table, under the id that makes storing them twice leave one copy. */
export interface StorableBatch {
  readonly id: string;
  readonly rows: Uint8Array;
}

/** Is told of each insert: whether ClickHouse committed it, and how long it took to say so. */
export type InsertObserver = (succeeded: boolean, durationMs: number) => void;

/** Stores batches of rows that were encoded before, in one table. Stateless; any number of calls may run at once. */
export abstract class BatchWriter {
  /** @param insert the statement up to and including its `FORMAT` */
  protected constructor(
    private readonly client: ClickHouseClient,
    private readonly insert: string,
    private readonly timeoutMs: number = STORE_TIMEOUT_MS,
    private readonly onInsert: InsertObserver = () => undefined,
  ) {}

  /**
   * Resolves when ClickHouse has committed the rows. Storing a batch of the same id again leaves one copy.
   * @throws BatchRefusedError when the rows can never be stored; any other error means: try again later
   */
  async store(batch: StorableBatch): Promise<void> {
    await this.send(batch, true);
  }

  /**
   * The same in an insert of its own. An asynchronous one shares its block with whatever comes at that moment, and a row
   * that violates a constraint costs them all: what is refused here is refused for its own rows.
   */
  async storeApart(batch: StorableBatch): Promise<void> {
    await this.send(batch, false);
  }

  private async send(batch: StorableBatch, isAsynchronous: boolean): Promise<void> {
    const deadline = AbortSignal.timeout(this.timeoutMs);
    const startedAt = performance.now();
    try {
      const { stream } = await this.client.exec({
        query: this.insert,
        values: Readable.from(Buffer.from(batch.rows.buffer, batch.rows.byteOffset, batch.rows.byteLength)),
        abort_signal: deadline,
        clickhouse_settings: {
          // The server makes one part of many batches; each keeps its own token. Where there is no queue for that, as in
          // the embedded engine, the insert is an ordinary one; so it is on a cluster, where a Distributed table would make one
          // insert of many without their tokens.
          async_insert: isAsynchronous && WarehouseCluster.of(this.client) === undefined ? 1 : 0,
          wait_for_async_insert: 1,
          async_insert_deduplicate: 1,
          deduplicate_blocks_in_dependent_materialized_views: 1,
          insert_deduplication_token: batch.id,
        },
      });
      // The connection is free for the next batch only when the answer, though empty, was read.
      await finished(stream.resume());
      this.onInsert(true, performance.now() - startedAt);
    } catch (error) {
      this.onInsert(false, performance.now() - startedAt);
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
