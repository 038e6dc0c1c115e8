import type { DeadLetter } from '../dead-letters.js';
import type { EventBatch } from '../event-batch.js';
import { currentType } from '../legacy-jobs.js';

/** What is kept of a dead letter besides its batch. */
export type SpooledLetter = Omit<DeadLetter, 'batch'>;

/** What stands before the rows, as JSON; `letter` is there for dead letters. */
interface Header extends Omit<EventBatch, 'rows'> {
  readonly letter?: Partial<SpooledLetter>;
}

const LENGTH_BYTES = 4;

/** One value of the spool: the header's length in 4 bytes, the header, and the rows as they are. */
export function encodeSpooled(
  { id, type, events, mayBeRepeated, notes, rows }: EventBatch,
  letter?: SpooledLetter,
): Buffer {
  const kept = letter && { tenantId: letter.tenantId, reason: letter.reason, diedAt: letter.diedAt };
  const header = Buffer.from(JSON.stringify({ id, type, events, mayBeRepeated, notes, letter: kept }));
  const value = Buffer.allocUnsafe(LENGTH_BYTES + header.length + rows.length);
  value.writeUInt32LE(header.length);
  value.set(header, LENGTH_BYTES);
  value.set(rows, LENGTH_BYTES + header.length);
  return value;
}

/** @param value as {@link encodeSpooled} made it, or that of an older build */
export function decodeSpooled(value: Buffer): {
  readonly batch: EventBatch;
  readonly letter: SpooledLetter | undefined;
} {
  const start = LENGTH_BYTES + value.readUInt32LE();
  const header = JSON.parse(value.toString('utf8', LENGTH_BYTES, start)) as Header;
  const { id, type, events, mayBeRepeated, notes, letter } = header;
  const mark = { ...(mayBeRepeated && { mayBeRepeated }), ...(notes && { notes }) };
  return {
    batch: { id, type: currentType(type), events, rows: value.subarray(start), ...mark },
    letter: letter && { tenantId: letter.tenantId, reason: letter.reason ?? '', diedAt: letter.diedAt ?? 0 },
  };
}
