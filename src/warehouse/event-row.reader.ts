import { readUuid, UUID_BYTES, writeUuid } from './encoded-uuid.js';

/** A tenant's slug; anything else at its place means that these bytes are not rows. */
const SLUG = /^[a-z0-9-]{1,63}$/;
const TIME_BYTES = 8;
const MS_IN_TWO_TO_32_US = 2 ** 32 / 1000;
/** Enough for 2^35 - 1 bytes; no row has a tenth of it. */
const LONGEST_VARINT = 5;

/** Reads rows of {@link EventRowEncoder}, column by column in the order of `EVENT_COLUMNS`. Beyond the end there is nothing but ends. */
export class EventRowReader {
  /** Bytes read so far; more than there are when the last row was cut off. */
  offset = 0;

  private readonly rows: Buffer;

  constructor(rows: Uint8Array) {
    this.rows = Buffer.from(rows.buffer, rows.byteOffset, rows.byteLength);
  }

  get isAtEnd(): boolean {
    return this.offset >= this.rows.length;
  }

  /** Undefined when a row cannot begin like this. */
  readTenant(): string | undefined {
    const tenantId = this.readString();
    return tenantId !== undefined && SLUG.test(tenantId) ? tenantId : undefined;
  }

  /** Undefined when the text is not all there. */
  readString(): string | undefined {
    const length = this.readVarint();
    const start = this.offset;
    this.offset += length;
    return this.offset > this.rows.length ? undefined : this.rows.toString('utf8', start, this.offset);
  }

  /** Everything after the user. */
  skipRestOfRow(): void {
    this.skipIdAndTimes();
    this.skipStrings(3); // anonymous_id, event_id, payload
  }

  /** @returns the time of receipt in ms since 1970; NaN when the row is cut off before it */
  skipIdAndTimes(): number {
    this.offset += UUID_BYTES + 2 * TIME_BYTES;
    if (this.offset > this.rows.length) return NaN;
    // In halves, as an Int64 would be a BigInt.
    const low = this.rows.readUInt32LE(this.offset - TIME_BYTES);
    const high = this.rows.readInt32LE(this.offset - TIME_BYTES / 2);
    return high * MS_IN_TWO_TO_32_US + low / 1000;
  }

  skipStrings(count: number): void {
    for (let i = 0; i < count; i++) {
      const length = this.readVarint();
      this.offset += length;
    }
  }

  private readVarint(): number {
    let value = 0;
    for (let index = 0; index < LONGEST_VARINT; index++) {
      const byte = this.rows[this.offset++] ?? 0;
      value += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) {
        break;
      }
    }
    return value;
  }
}

/** One row of {@link EventRowEncoder}, and what of it tells whose event it is. */
export interface EncodedEvent {
  readonly tenantId: string;
  readonly eventType: string;
  readonly userId: string;
  /** A view of the row, not a copy. */
  readonly row: Uint8Array;
}

/** The events in rows that {@link EventRowEncoder} wrote, in their order; undefined when these bytes are not rows to the last one. */
export function encodedEvents(rows: Uint8Array): EncodedEvent[] | undefined {
  const events: EncodedEvent[] = [];
  const reader = new EventRowReader(rows);
  while (!reader.isAtEnd) {
    const start = reader.offset;
    const tenantId = reader.readTenant();
    const eventType = reader.readString();
    const userId = reader.readString();
    reader.skipRestOfRow();
    if (tenantId === undefined || eventType === undefined || userId === undefined || reader.offset > rows.length) {
      return undefined;
    }
    events.push({ tenantId, eventType, userId, row: rows.subarray(start, reader.offset) });
  }
  return events;
}

/**
 * How many events each tenant has in rows that {@link EventRowEncoder} wrote. Made for rows that ClickHouse refused: reads
 * as far as they make sense, and counts a row as soon as it has named its tenant.
 */
export function eventsByTenant(rows: Uint8Array): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const reader = new EventRowReader(rows);
  while (!reader.isAtEnd) {
    const tenantId = reader.readTenant();
    if (tenantId === undefined) {
      break;
    }
    counts.set(tenantId, (counts.get(tenantId) ?? 0) + 1);
    reader.skipStrings(2); // event_type, user_id
    reader.skipRestOfRow();
  }
  return counts;
}

/**
 * Gives the events that have no `event_id` other ids, in place.
 * @param rows of {@link EventRowEncoder}, whole ones
 */
export function replaceIds(rows: Uint8Array, replacement: (id: Uint8Array) => Uint8Array): void {
  const reader = new EventRowReader(rows);
  while (!reader.isAtEnd) {
    reader.skipStrings(3); // tenant_id, event_type, user_id
    const idAt = reader.offset;
    reader.skipIdAndTimes();
    reader.skipStrings(1); // anonymous_id
    const eventId = reader.readString();
    reader.skipStrings(1); // payload
    if (eventId === '') writeUuid(rows, idAt, replacement(readUuid(rows, idAt)));
  }
}
