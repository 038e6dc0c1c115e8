import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { SpanContext } from '@opentelemetry/api';
import { tooLarge, unavailable } from '../common/errors.js';
import { uuid7 } from '../common/uuid7.js';
import type { Attempt } from '../idempotency/attempt.js';
import { Retries } from '../idempotency/retries.service.js';
import { reseededId } from '../idempotency/seed.js';
import { currentRequest, tracePublish } from '../tracing/batch.trace.js';
import { type EventBatch, EVENTS_V1 } from '../transport/event-batch.js';
import { BatchRejectedError, EventTransport, TransportUnavailableError } from '../transport/event-transport.js';
import type { NewNote, RetryNote } from '../transport/retry-notes.js';
import type { EncodedRows } from '../warehouse/event-row.encoder.js';
import { replaceIds } from '../warehouse/event-row.reader.js';

/**
 * A group that has this many events or bytes travels at once; smaller ones wait while another is on its way. An insert
 * costs ClickHouse milliseconds before its first row, so that 5,000 rows in one cost a fifth of what they cost in ten.
 */
const FULL_EVENTS = 5_000;
const FULL_BYTES = 1024 * 1024;

/** What may wait for the queue's answer in this process, so that a slow queue becomes 503s and not a full memory. */
const MAX_UNCOMMITTED_BYTES = 64 * 1024 * 1024;
const RETRY_AFTER_SECONDS = 1;
const SETTLED_POLL_MS = 5;
const TOO_LARGE = 'The events of this request are too large for the queue. Send fewer, or smaller ones.';

/** A note may change between two questions, if several instances are asked for the same at once; the request itself never waits. */
const ASK_FOR_OLDER_NOTES = 3;

/** What one request brings. */
interface Member {
  readonly rows: EncodedRows;
  /** If its retry is to be recognised. */
  readonly attempt: Attempt | undefined;
}

/** Requests that travel in one batch; `committed` settles when the batch is durable or refused. */
class Group {
  events = 0;
  bytes = 0;
  readonly members: Member[] = [];
  /** Spans of the requests; none unless traces are on. */
  readonly requests: SpanContext[] = [];
  resolve!: () => void;
  reject!: (reason: unknown) => void;
  readonly committed = new Promise<void>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });

  get attempts(): Attempt[] {
    return this.members.map(({ attempt }) => attempt).filter((attempt) => attempt !== undefined);
  }

  toBatch(): EventBatch {
    const rows = Buffer.concat(
      this.members.map((member) => member.rows.bytes),
      this.bytes,
    );
    const mark = this.attempts.some(({ isRetry }) => isRetry) ? ({ mayBeRepeated: true } as const) : {};
    return { id: uuid7(), type: EVENTS_V1, events: this.events, rows, ...mark };
  }
}

/**
 * Lets requests that are served at the same moment share one batch, as databases let transactions share one write to
 * disk: one by one, the queue would take a tenth of the events. A request's events stay together, and its promise
 * resolves when its batch is durable. With nothing on its way a group leaves at once, so a lone request never waits.
 */
@Injectable()
export class GroupCommit {
  private open: Group | undefined;
  private groupsOnTheirWay = 0;
  private uncommittedBytes = 0;

  constructor(
    private readonly transport: EventTransport,
    private readonly retries: Retries,
  ) {}

  /**
   * Resolves when the rows, at least one, are on disk.
   * @param attempt the request's, if its retry is to be recognised
   * @throws ApiError 503 when they are not, or when that is not known; 413 when the queue will never take them
   */
  async commit(rows: EncodedRows, attempt?: Attempt): Promise<void> {
    if (this.uncommittedBytes > MAX_UNCOMMITTED_BYTES) {
      throw queueUnavailable(false);
    }
    const group = this.join(rows, attempt);
    if (group.events >= FULL_EVENTS || group.bytes >= FULL_BYTES) {
      this.send(group);
    }
    try {
      await group.committed.catch((error: unknown) => {
        if (!(error instanceof BatchRejectedError) || group.members.length === 1) throw error;
        // Another request's events may be the reason.
        const alone = add(new Group(), rows, attempt);
        this.send(alone);
        return alone.committed;
      });
    } catch (error) {
      if (error instanceof TransportUnavailableError) throw queueUnavailable(error.mayBeDone);
      if (error instanceof BatchRejectedError) throw tooLarge(TOO_LARGE);
      throw error;
    }
  }

  /** Resolves when nothing is on its way to the queue any more, whether or not those who gave it still wait. */
  async settled(): Promise<void> {
    while (this.open !== undefined || this.groupsOnTheirWay > 0) {
      await sleep(SETTLED_POLL_MS);
    }
  }

  private join(rows: EncodedRows, attempt: Attempt | undefined): Group {
    if (this.open === undefined) {
      this.open = new Group();
      // Requests whose bodies arrived in the same turn of the event loop join before the group leaves.
      setImmediate(() => {
        this.sendWhatWaits();
      });
    }
    return add(this.open, rows, attempt);
  }

  private sendWhatWaits(): void {
    if (this.open !== undefined && this.groupsOnTheirWay === 0) {
      this.send(this.open);
    }
  }

  private send(group: Group): void {
    if (group === this.open) this.open = undefined;
    this.groupsOnTheirWay++;
    this.uncommittedBytes += group.bytes;
    this.publish(group)
      .then(group.resolve, group.reject)
      .finally(() => {
        this.groupsOnTheirWay--;
        this.uncommittedBytes -= group.bytes;
        this.sendWhatWaits();
      });
  }

  private async publish(group: Group): Promise<void> {
    const { attempts } = group;
    for (const attempt of attempts) attempt.isNoted = true;
    for (let questions = 1; ; questions++) {
      const notes = questions > ASK_FOR_OLDER_NOTES ? [] : attempts.map(({ note }) => note);
      const older = await this.publishOnce(group, notes);
      if (older.length === 0) break;
      for (const { fingerprint, seed } of older) {
        // Of several equal requests one is the retry.
        const member = group.members.find(({ attempt }) => attempt?.fingerprint === fingerprint);
        member?.attempt?.resume(seed);
        if (member?.attempt !== undefined) giveIdsOf(member.attempt, member.rows);
      }
    }
    for (const attempt of attempts) attempt.isDurable = true;
  }

  private async publishOnce(group: Group, notes: readonly NewNote[]): Promise<readonly RetryNote[]> {
    const batch = group.toBatch();
    const answered = this.retries.takeAnswered();
    try {
      return await tracePublish(batch, group.requests, () => this.transport.publish(batch, { notes, answered }));
    } catch (error) {
      this.retries.giveBack(answered);
      throw error;
    }
  }
}

/** Gives a request's rows the ids that they had in the attempt that it goes on with, unless they have an `event_id`. */
export function giveIdsOf({ seed }: Attempt, { bytes }: EncodedRows): void {
  replaceIds(bytes, (id) => reseededId(id, seed));
}

function add(group: Group, rows: EncodedRows, attempt: Attempt | undefined): Group {
  group.members.push({ rows, attempt });
  group.events += rows.events;
  group.bytes += rows.bytes.length;
  const request = currentRequest();
  if (request !== undefined) group.requests.push(request);
  return group;
}

/** @param mayBeDone whether the queue may have the events all the same */
function queueUnavailable(mayBeDone: boolean) {
  return unavailable(
    mayBeDone
      ? 'The queue did not answer, and may have the events of this request. Send the same request again, with the same Idempotency-Key or event_ids if it has any: then they are stored once.'
      : 'Events cannot be queued at the moment; none of this request was accepted. Send it again.',
    RETRY_AFTER_SECONDS,
  );
}
