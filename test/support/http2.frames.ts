/** RFC 9113, section 3.4 and 4.1. */
const PREFACE_BYTES = 24;
const HEADER_BYTES = 9;
const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const END_STREAM = 1;

/** What a client sends over HTTP/2, cut into whole frames, and which streams it has not ended yet. */
export class Http2Frames {
  private readonly open = new Set<number>();
  private rest = Buffer.alloc(0);
  private sawPreface = false;

  /** @returns the whole frames that there are now */
  take(chunk: Buffer): Buffer {
    this.rest = Buffer.concat([this.rest, chunk]);
    let end = 0;
    if (!this.sawPreface) {
      if (this.rest.length < PREFACE_BYTES) return Buffer.alloc(0);
      this.sawPreface = true;
      end = PREFACE_BYTES;
    }
    while (this.rest.length >= end + HEADER_BYTES) {
      const next = end + HEADER_BYTES + this.rest.readUIntBE(end, 3);
      if (this.rest.length < next) break;
      this.note(this.rest.subarray(end, end + HEADER_BYTES));
      end = next;
    }
    const whole = this.rest.subarray(0, end);
    this.rest = this.rest.subarray(end);
    return whole;
  }

  /** Empty frames that end every stream that is open. */
  ends(): Buffer {
    const frames = [...this.open].map((id) => {
      const frame = Buffer.alloc(HEADER_BYTES);
      frame.writeUInt8(DATA, 3);
      frame.writeUInt8(END_STREAM, 4);
      frame.writeUInt32BE(id, 5);
      return frame;
    });
    this.open.clear();
    return Buffer.concat(frames);
  }

  private note(header: Buffer): void {
    const type = header.readUInt8(3);
    const ends = (header.readUInt8(4) & END_STREAM) !== 0;
    const id = header.readUInt32BE(5) & 0x7f_ff_ff_ff;
    if (type === HEADERS && !ends) this.open.add(id);
    else if (type === RST_STREAM || (ends && (type === DATA || type === HEADERS))) this.open.delete(id);
  }
}
