import { UUID_BYTES } from './encoded-uuid.js';

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
