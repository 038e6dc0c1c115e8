import { createHash } from 'node:crypto';
import { formatUuid, withVersion } from '../common/uuid7.js';
import type { NewNote } from './retry-notes.js';

/** Rows of the `events` table, as `EventRowEncoder` writes them. Other columns or another order: a new version. */
export const EVENTS_V1 = 'events.v1';

/** Rows of the `ingestion_errors` table, as `encodeErrorRow` writes them. */
export const ERRORS_V1 = 'errors.v1';

/** One request about personal data, as `encodeComplianceOrder` writes it. */
export const COMPLIANCE_V1 = 'compliance.v1';

/**
 * Events that travel together: the unit that is published, delivered and completed. What one event is, the id of its row decides,
 * so a batch that is stored twice, alone or together with others, leaves each of its events once.
 */
export interface EventBatch {
  /** UUID version 7: unique, and it tells when the batch was accepted. */
  readonly id: string;
  /** What `rows` holds and in which version, e.g. `events.v1`; chooses the handler. */
  readonly type: string;
  /** How many events `rows` holds. */
  readonly events: number;
  /** The events in the warehouse's insert format, written once by the API and passed through by everything after it. */
  readonly rows: Uint8Array;
  /**
   * That some of its rows may be stored already: it was published before, with an unknown outcome, or it is a dead letter that is
   * replayed, or one of its requests took over the seed of an earlier attempt.
   */
  readonly mayBeRepeated?: true | undefined;
  /** Notes of its requests, while it waits in the spool before a broker that was not asked for older ones. */
  readonly notes?: readonly NewNote[] | undefined;
}

/** A batch in the hands of a worker. */
export interface Delivery {
  readonly batch: EventBatch;
  /** Whether no worker can have had it before. False where the queue cannot tell. */
  readonly isFirst: boolean;
}

const TIME_DIGITS = 12;

/**
 * The id of what is made of a batch: always the same for the same one, however often it is made. It keeps the time at which the
 * batch was accepted.
 * @param what tells it from all else that is made of that batch
 */
export function derivedId(batchId: string, what: string): string {
  const time = Buffer.from(batchId.replaceAll('-', '').slice(0, TIME_DIGITS), 'hex');
  const digest = createHash('sha256').update(`${batchId}\0${what}`).digest();
  return formatUuid(withVersion(Buffer.concat([time, digest]).subarray(0, 16), 7));
}
