import { UUID_BYTES, writeUuid } from './encoded-uuid.js';
import type { EventRow } from './event-row.js';

/** Rows of events, one after the other, as {@link EventRowEncoder} writes them. */
export interface EncodedRows {
  readonly bytes: Buffer;
  readonly events: number;
}

/** The columns of `events` in the order in which {@link EventRowEncoder} writes them. The INSERT statement names them so. */
export const EVENT_COLUMNS = [
  'tenant_id',
  'event_type',
  'user_id',
  'id',
  'occurred_at',
  'received_at',
  'anonymous_id',
  'event_id',
  'payload',
] as const;

const INITIAL_BYTES = 64 * 1024;
/** A buffer that one huge batch has grown beyond this is not kept. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;
/** Room for everything in a row that has a fixed size, and for the length prefixes. */
const FIXED_BYTES_PER_ROW = UUID_BYTES + 8 + 8 + 6 * 5;
/** Up to this many characters a loop encodes faster; below 128, so that the length prefix is one byte. */
const SHORT_TEXT = 24;
/** UTF-8 needs at most three bytes for one UTF-16 unit. */
const MAX_BYTES_PER_UNIT = 3;
const TWO_TO_32 = 2 ** 32;

/**
 * Writes events in ClickHouse's RowBinary format, one after the other, into one buffer that is reused.
 * What it hands out is what {@link EventWriter} sends, byte for byte, however many processes lie between.
 */
export class EventRowEncoder {
  private buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  private offset = 0;

  /** Appends one row. Lone surrogates become U+FFFD, as UTF-8 cannot carry them. */
  append(row: EventRow): void {
    this.reserve(
      FIXED_BYTES_PER_ROW +
        row.payload.length +
        MAX_BYTES_PER_UNIT *
          (row.tenantId.length +
            row.eventType.length +
            row.userId.length +
            row.anonymousId.length +
            row.eventId.length),
    );
    this.writeString(row.tenantId);
    this.writeString(row.eventType);
    this.writeString(row.userId);
    writeUuid(this.buffer, this.offset, row.id);
    this.offset += UUID_BYTES;
    this.writeInt64(row.occurredAt);
    this.writeInt64(row.receivedAt);
    this.writeString(row.anonymousId);
    this.writeString(row.eventId);
    this.writeBytes(row.payload);
  }

  /** The rows appended so far, as a copy of exactly their size; the encoder is empty afterwards. */
  take(): Buffer {
    const rows = Buffer.from(this.buffer.subarray(0, this.offset));
    this.clear();
    return rows;
  }

  /** Drops the rows appended since the last {@link take}. */
  clear(): void {
    this.offset = 0;
    if (this.buffer.length > MAX_KEPT_BYTES) {
      this.buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
    }
  }

  private reserve(bytes: number): void {
    const needed = this.offset + bytes;
    if (needed <= this.buffer.length) {
      return;
    }
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2));
    this.buffer.copy(larger, 0, 0, this.offset);
    this.buffer = larger;
  }

  private writeString(text: string): void {
    if (text.length <= SHORT_TEXT && this.writeShortAscii(text)) {
      return;
    }
    // The length in bytes comes first but is known last: guess the width of its prefix from ASCII, and move when wrong.
    const guess = varintWidth(text.length);
    const start = this.offset + guess;
    const bytes = this.buffer.write(text, start);
    const width = varintWidth(bytes);
    if (width !== guess) {
      this.buffer.copyWithin(this.offset + width, start, start + bytes);
    }
    this.writeVarint(bytes);
    this.offset += bytes;
  }

  /** For a few characters this loop is faster than the call into Node's UTF-8 encoder. False: not ASCII, nothing written. */
  private writeShortAscii(text: string): boolean {
    const { buffer } = this;
    const { length } = text;
    const start = this.offset + 1;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) {
        return false;
      }
      buffer[start + i] = code;
    }
    buffer[this.offset] = length;
    this.offset = start + length;
    return true;
  }

  private writeBytes(bytes: Uint8Array): void {
    this.writeVarint(bytes.length);
    this.buffer.set(bytes, this.offset);
    this.offset += bytes.length;
  }

  private writeVarint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.buffer[this.offset++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buffer[this.offset++] = rest;
  }

  /** Any whole number up to 2^53 in size, in two halves: several times faster than by way of a BigInt. */
  private writeInt64(value: number): void {
    const { buffer, offset } = this;
    const high = Math.floor(value / TWO_TO_32);
    const low = value - high * TWO_TO_32;
    buffer[offset] = low;
    buffer[offset + 1] = low >>> 8;
    buffer[offset + 2] = low >>> 16;
    buffer[offset + 3] = low >>> 24;
    buffer[offset + 4] = high;
    buffer[offset + 5] = high >> 8;
    buffer[offset + 6] = high >> 16;
    buffer[offset + 7] = high >> 24;
    this.offset = offset + 8;
  }
}

function varintWidth(value: number): number {
  let width = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) {
    width++;
  }
  return width;
}
