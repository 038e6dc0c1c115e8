import type { EventBatch } from '../event-batch.js';

/** What stands before the rows, as JSON; `letter` is there for dead letters. */
type Header = Omit<EventBatch, 'rows'> & { readonly letter?: SpooledLetter | undefined };

/** What is kept of a dead letter besides its batch. */
export interface SpooledLetter {
  readonly tenantId?: string | undefined;
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly diedAt: number;
}

const LENGTH_BYTES = 4;

/** One value of the spool: the header's length in 4 bytes, the header, and the rows as they are. */
export function encodeSpooled({ rows, ...batch }: EventBatch, letter?: SpooledLetter): Buffer {
  const header = Buffer.from(JSON.stringify({ ...batch, letter } satisfies Header));
  const value = Buffer.allocUnsafe(LENGTH_BYTES + header.length + rows.length);
  value.writeUInt32LE(header.length);
  value.set(header, LENGTH_BYTES);
  value.set(rows, LENGTH_BYTES + header.length);
  return value;
}

/** @param value as {@link encodeSpooled} made it */
export function decodeSpooled(value: Buffer): {
  readonly batch: EventBatch;
  readonly letter: SpooledLetter | undefined;
} {
  const start = LENGTH_BYTES + value.readUInt32LE();
  const { letter, ...batch } = JSON.parse(value.toString('utf8', LENGTH_BYTES, start)) as Header;
  return { batch: { ...batch, rows: value.subarray(start) }, letter };
}
