import type { DeadLetters, NewDeadLetter } from './dead-letters.js';
import type { Delivery, EventBatch } from './event-batch.js';
import type { PublishOptions, RetryNote } from './retry-notes.js';

/** What became of a batch that is finished. Anything else is an exception, and the batch is delivered again later. */
export interface BatchOutcome {
  /** What of it can never be stored; mostly nothing. The transport keeps these before it completes the batch. */
  readonly deadLetters: readonly NewDeadLetter[];
}

/** All of the batch is stored. */
export const STORED: BatchOutcome = { deadLetters: [] };

export type BatchHandler = (delivery: Delivery) => Promise<BatchOutcome>;

export interface ConsumeOptions {
  /** How many batches may be in the handler's hands at once. */
  readonly concurrency: number;
}

/** A running consumption; `close` takes no more batches, waits for those in hand, and hands back what did not finish. */
export interface Consumption {
  close(): Promise<void>;
}

/** That there is one means that the queue can be asked. What it cannot tell at the moment is undefined. */
export interface TransportStatus {
  /** Workers that were seen alive within the last seconds. */
  readonly consumers: number | undefined;
  /** Batches that are not stored yet, those in workers' hands included. */
  readonly pending: number | undefined;
  /** Age of the oldest pending batch in ms; 0 when there is none. */
  readonly oldestPendingMs: number | undefined;
  /**
   * When the oldest batch was accepted that is pending or in this process's spool, by the clock of its API: ms since 1970. Requests
   * about personal data do not count where the queue can tell them. Left out when there is none, or it is not known.
   */
  readonly oldestPendingAt?: number | undefined;
  /** How long ago any worker finished a batch, in ms; undefined when it is not known. */
  readonly lastFinishedMsAgo: number | undefined;
  /** Which part of the memory that the queue may take is used; left out or undefined when that is not known. */
  readonly memoryRatio?: number | undefined;
  /** Whether batches are refused at the moment because the queue is nearly full; left out when that is not known. */
  readonly isRefusing?: boolean;
  /** Why the queue can be asked and takes no batch all the same, in a word; left out or undefined when it takes them. */
  readonly refusal?: string | undefined;
  /** Whether the queue is set up to keep what it is given; left out or undefined when that is not known. */
  readonly isDurable?: boolean | undefined;
}

/** The queue cannot take a batch, or cannot be asked, at the moment. Nothing was acknowledged. */
export class TransportUnavailableError extends Error {
  override readonly name = 'TransportUnavailableError';
  /** Whether it may have been done all the same, as the answer was lost or came too late. */
  readonly mayBeDone: boolean;

  constructor(
    message: string,
    { mayBeDone = false, ...options }: ErrorOptions & { readonly mayBeDone?: boolean } = {},
  ) {
    super(message, options);
    this.mayBeDone = mayBeDone;
  }
}

/** The queue will never take this batch as it is, however often it is asked: it is too large, say. It takes others. */
export class BatchRejectedError extends Error {
  override readonly name = 'BatchRejectedError';
}

/**
 * The queue between the API and the workers: the one port of this system. Adapters live in the folders beside this file,
 * and every one passes the suite in `test/contract/transport.contract.ts`.
 *
 * Delivery is at least once. The class doubles as the injection token.
 */
export abstract class EventTransport {
  abstract readonly deadLetters: DeadLetters;

  /**
   * Resolves when the batch is on disk, and not before; or, with none of it on disk, when there are notes of earlier attempts of its
   * requests ({@link RetryNote}) whose clients are left without an answer. Where notes cannot be asked for, there are none.
   * @returns those older notes; none when the batch is on disk
   * @throws BatchRejectedError when the queue will never take it; TransportUnavailableError within
   * {@link PUBLISH_TIMEOUT_MS} otherwise, at once while the queue is nearly full
   */
  abstract publish(batch: EventBatch, options?: PublishOptions): Promise<readonly RetryNote[]>;

  /**
   * Removes notes of requests whose answers are out; for when there is no batch that could tell it.
   * @throws Error when that is not known
   */
  abstract forget(answered: readonly RetryNote[]): Promise<void>;

  /**
   * Starts to deliver batches to the handler. A batch leaves the queue when the handler returned and its dead letters are kept; it
   * is delivered again when the handler threw or its worker died.
   */
  abstract consume(handler: BatchHandler, options: ConsumeOptions): Promise<Consumption>;

  /** @throws TransportUnavailableError when the queue cannot be asked within {@link STATUS_TIMEOUT_MS} */
  abstract status(): Promise<TransportStatus>;

  /** Lets go of all connections. Consumptions are closed first, by their owner. */
  abstract close(): Promise<void>;
}

/**
 * Clients are promised an answer within a second when the queue is down. This leaves room for the limits (150 ms) and the
 * memory of deliveries (100 ms), which ask the same Redis before.
 */
export const PUBLISH_TIMEOUT_MS = 700;

export const STATUS_TIMEOUT_MS = 1_000;
