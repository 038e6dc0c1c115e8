import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { type ClickHouseClient, ClickHouseError } from '@clickhouse/client';
import { untilAborted } from '../common/deadline.js';
import { BatchRefusedError, WarehouseUnavailableError } from './warehouse.errors.js';
import { ERASURE_UNKNOWN, Erasures, type KnownErasures, KNOWS_ALL_ERASURES } from './erasures.js';

const STORE_TIMEOUT_MS = 30_000;

/** How often a batch is sent in a row, when there is one more erasure each time. Only a replica that lags needs more, and time. */
const TRIES = 5;

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

type Parameters = Readonly<Record<string, string | number>>;

/** Is told of each insert: whether ClickHouse committed it, and how long it took to say so. */
export type InsertObserver = (succeeded: boolean, durationMs: number) => void;

/** Where a writer's rows go, and how they are written. */
export interface RowFormat {
  readonly table: string;
  /** ClickHouse's name for the format. */
  readonly format: string;
  /** The columns in their order, and the types that the format writes. */
  readonly columns: readonly (readonly [name: string, type: string])[];
  /** More columns, with the expressions that give them their values; these may use parameters of the query. */
  readonly computed?: readonly (readonly [name: string, expression: string])[];
  /** The rows without those of the erased; the same bytes when there are none. */
  readonly without: (erasures: KnownErasures, rows: Uint8Array) => Uint8Array;
}

/**
 * Stores batches of rows that were encoded before, in one table, but for the rows of {@link Erasures}. Any number of calls may run
 * at once.
 */
export abstract class BatchWriter {
  private readonly erasures: Erasures;
  private readonly insert: string;

  protected constructor(
    private readonly client: ClickHouseClient,
    private readonly format: RowFormat,
    private readonly timeoutMs: number = STORE_TIMEOUT_MS,
    private readonly onInsert: InsertObserver = () => undefined,
  ) {
    this.erasures = new Erasures(client);
    this.insert = insertInto(format);
  }

  /**
   * What tells how much of some rows would not be stored now, since it is of the erased.
   * @throws Error when ClickHouse cannot be asked
   */
  async erasedNow(): Promise<(rows: Uint8Array) => 'nothing' | 'some' | 'all'> {
    this.erasures.forget();
    const erasures = await this.erasures.known();
    return (rows) => {
      const kept = this.format.without(erasures, rows);
      return kept.length === rows.length ? 'nothing' : kept.length > 0 ? 'some' : 'all';
    };
  }

  /**
   * Resolves when ClickHouse has committed the rows. Storing a batch of the same id again leaves one copy.
   * @param parameters of the computed columns
   * @throws BatchRefusedError when the rows can never be stored; any other error means: try again later
   */
  protected async insertKept(
    { id, rows }: StorableBatch,
    parameters: Parameters = {},
    triesLeft = TRIES,
  ): Promise<void> {
    const deadline = AbortSignal.timeout(this.timeoutMs);
    try {
      const erasures = await untilAborted(this.erasures.known(), deadline);
      const kept = this.format.without(erasures, rows);
      if (kept.length > 0) await this.send({ id, rows: kept }, { ...parameters, erasures: erasures.state }, deadline);
    } catch (error) {
      const failure = this.classify(error, deadline);
      if (failure instanceof BatchRefusedError) throw failure;
      // Whatever the failure: the answer that there are others is lost where the connection ends while rows are on their way.
      this.erasures.forget();
      const isOutdated = error instanceof ClickHouseError && error.code === ERASURE_UNKNOWN;
      if (!isOutdated || triesLeft === 1) throw failure;
      await this.insertKept({ id, rows }, parameters, triesLeft - 1);
    }
  }

  private async send({ id, rows }: StorableBatch, parameters: Parameters, deadline: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    try {
      const { stream } = await this.client.exec({
        query: this.insert,
        query_params: parameters,
        values: Readable.from(Buffer.from(rows.buffer, rows.byteOffset, rows.byteLength)),
        abort_signal: deadline,
        clickhouse_settings: {
          deduplicate_blocks_in_dependent_materialized_views: 1,
          insert_deduplication_token: id,
        },
      });
      // The connection is free for the next batch only when the answer, though empty, was read.
      await finished(stream.resume());
      this.onInsert(true, performance.now() - startedAt);
    } catch (error) {
      this.onInsert(false, performance.now() - startedAt);
      throw error;
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

function insertInto({ table, format, columns, computed = [] }: RowFormat): string {
  const names = columns.map(([name]) => name);
  const structure = columns.map(([name, type]) => `${name} ${type}`);
  const into = [...names, ...computed.map(([name]) => name)];
  const values = [...names, ...computed.map(([, expression]) => expression)];
  return `
    INSERT INTO ${table} (${into.join(', ')})
    SELECT ${values.join(', ')} FROM input('${structure.join(', ')}') WHERE ${KNOWS_ALL_ERASURES}
    FORMAT ${format}`;
}
