const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const SPACE = 0x20;

/**
 * Walks over the bytes of JSON text that `JSON.parse` has already accepted, to find where a value begins and ends.
 * With that a payload is passed on byte for byte: `JSON.parse` alone would round integers above 2^53. Because the text
 * is known to be valid, there is nothing to check here.
 */
export class JsonReader {
  private position: number;
  /** The deepest nesting within the value that {@link skipValue} skipped last; a scalar has 0. */
  depth = 0;

  constructor(private readonly json: Uint8Array) {
    this.position = 0;
    this.skipSpace();
  }

  get offset(): number {
    return this.position;
  }

  isAtObject(): boolean {
    return this.json[this.position] === OPEN_BRACE;
  }

  isAtArray(): boolean {
    return this.json[this.position] === OPEN_BRACKET;
  }

  /** Calls `member` at the value of each member of the object here; it must consume that value. */
  readObject(member: (isNamed: (name: Uint8Array) => boolean) => void): void {
    this.step();
    while (this.json[this.position] !== CLOSE_BRACE) {
      const keyStart = this.position + 1;
      this.skipString();
      const keyEnd = this.position - 1;
      this.skipSpace();
      this.step(); // the colon
      member((name) => this.isKey(keyStart, keyEnd, name));
      this.skipSpace();
      this.stepOver(COMMA);
    }
    this.position++;
  }

  /** Calls `element` at each element of the array here; it must consume that element. */
  readArray(element: () => void): void {
    this.step();
    while (this.json[this.position] !== CLOSE_BRACKET) {
      element();
      this.skipSpace();
      this.stepOver(COMMA);
    }
    this.position++;
  }

  /** Moves behind the value here, and notes its {@link depth}. */
  skipValue(): void {
    const { json } = this;
    let at = this.position;
    let open = 0;
    let deepest = 0;
    for (;;) {
      const byte = json[at];
      if (byte === QUOTE) {
        at = endOfString(json, at);
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        open++;
        at++;
        if (open > deepest) deepest = open;
        continue;
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        open--;
        at++;
      } else if (open > 0) {
        at++;
        continue;
      } else {
        at = endOfLiteral(json, at);
      }
      if (open === 0) break;
    }
    this.position = at;
    this.depth = deepest;
  }

  private isKey(start: number, end: number, name: Uint8Array): boolean {
    const { json } = this;
    // An escape takes more bytes than what it stands for.
    if (end - start < name.length) return false;
    let hasEscape = false;
    let differs = end - start > name.length;
    for (let at = start; at < end && !hasEscape; at++) {
      hasEscape = json[at] === BACKSLASH;
      differs ||= json[at] !== name[at - start];
    }
    if (!hasEscape) return !differs;
    // Any character of a key may be written as an escape: "p\u0061yload".
    const key = Buffer.from(json.buffer, json.byteOffset + start, end - start);
    return JSON.parse(`"${key.toString()}"`) === Buffer.from(name).toString();
  }

  private skipString(): void {
    this.position = endOfString(this.json, this.position);
  }

  private step(): void {
    this.position++;
    this.skipSpace();
  }

  private stepOver(byte: number): void {
    if (this.json[this.position] === byte) this.step();
  }

  private skipSpace(): void {
    while ((this.json[this.position] ?? COLON) <= SPACE) this.position++;
  }
}

/** `start` is the opening quote; the answer is the position behind the closing one. */
function endOfString(json: Uint8Array, start: number): number {
  let at = start + 1;
  for (;;) {
    const byte = json[at];
    if (byte === QUOTE) return at + 1;
    at += byte === BACKSLASH ? 2 : 1;
  }
}

/** The position behind the number, `true`, `false` or `null` that starts here. */
function endOfLiteral(json: Uint8Array, start: number): number {
  let at = start;
  for (;;) {
    const byte = json[at];
    if (byte === undefined || byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || byte <= SPACE)
      return at;
    at++;
  }
}
