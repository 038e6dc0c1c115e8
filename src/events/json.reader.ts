const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const ZERO = 0x30;
/** Letters, which are the larger hexadecimal digits, come after it too. */
const EIGHT = 0x38;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const SPACE = 0x20;
const LOWER_D = 0x64;
const LOWER_E = 0x65;
const UPPER_E = 0x45;
const LOWER_U = 0x75;
/** Makes a letter lower-case. */
const CASE = 0x20;

/**
 * Walks over the bytes of JSON text that `JSON.parse` has already accepted, to find where a value begins and ends.
 * With that a payload is passed on byte for byte: `JSON.parse` alone would round integers above 2^53. Because the text
 * is known to be valid, there is nothing to check here.
 */
export class JsonReader {
  private position: number;
  /** The deepest nesting within the value that {@link skipValue} skipped last; a scalar has 0. */
  depth = 0;
  /**
   * Whether the value that {@link skipValue} skipped last holds a number with an exponent, or the escape of half a surrogate pair:
   * what is rare, and may be unstorable. Noticed on the way, where nearly everything passes by.
   */
  hasRareScalars = false;

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
    this.hasRareScalars = false;
    for (;;) {
      const byte = json[at];
      if (byte === QUOTE) {
        at = this.endOfString(at);
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        open++;
        at++;
        if (open > deepest) deepest = open;
        continue;
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        open--;
        at++;
      } else if (open > 0) {
        if ((byte === LOWER_E || byte === UPPER_E) && isDigit(json[at - 1])) this.hasRareScalars = true;
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
    this.position = this.endOfString(this.position);
  }

  /** `start` is the opening quote; the answer is the position behind the closing one. */
  private endOfString(start: number): number {
    const { json } = this;
    let at = start + 1;
    for (;;) {
      const byte = json[at];
      if (byte === QUOTE) return at + 1;
      if (byte === BACKSLASH) {
        if (json[at + 1] === LOWER_U && isSurrogate(json[at + 2], json[at + 3])) this.hasRareScalars = true;
        at += 2;
      } else {
        at++;
      }
    }
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

/** Whether hexadecimal digits that start like this are a code unit from D800 to DFFF. */
function isSurrogate(first: number | undefined, second: number | undefined): boolean {
  return first !== undefined && (first | CASE) === LOWER_D && second !== undefined && second >= EIGHT;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}
