const [TAB, LINE_FEED, CARRIAGE_RETURN, SPACE] = [0x09, 0x0a, 0x0d, 0x20] as const;
const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a] as const;
const [OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d] as const;
const [PLUS, MINUS, POINT, ZERO, EIGHT, NINE] = [0x2b, 0x2d, 0x2e, 0x30, 0x38, 0x39] as const;
const [LOWER_A, LOWER_D, LOWER_E, LOWER_F, LOWER_T, LOWER_U] = [0x61, 0x64, 0x65, 0x66, 0x74, 0x75] as const;
/** The bit of lower-case letters, and the bit of all bytes beyond ASCII. */
const [CASE, BEYOND_ASCII] = [0x20, 0x80] as const;
/** The most bytes that a byte of a character takes. */
const ESCAPE_LENGTH = '\\u0061'.length;

/** What may follow a backslash, except `u`. */
const SHORT_ESCAPES: ReadonlySet<number | undefined> = new Set(Buffer.from('"\\/bfnrt'));
const [TRUE, FALSE, NULL] = [Buffer.from('true'), Buffer.from('false'), Buffer.from('null')] as const;
/** A number without an exponent that has no more characters fits a double. */
export const SAFE_NUMBER_LENGTH = 308;

/** Deeper nesting is a mistake. `JSON.parse` takes seconds for millions of levels; ClickHouse reads 1,000. */
export const MAX_DEPTH = 64;
const TOO_DEEP: readonly unknown[] = [[]];

/** The closers of what a reader has opened, the innermost last; unused between calls. Grows to the size of the largest body. */
let closers = Buffer.alloc(1024);

export class InvalidJsonError extends Error {
  /** @param offset of the first invalid byte; the text's length when it ends too early */
  constructor(readonly offset: number) {
    super();
  }
}

/**
 * Walks over the bytes of JSON text from value to value, and accepts exactly what `JSON.parse` accepts. Skipped values make no
 * objects: a payload is passed on byte for byte, without rounding integers above 2^53. The text must be valid UTF-8.
 * @throws InvalidJsonError from every method that moves, as soon as the text cannot be JSON
 */
export class JsonReader {
  private readonly json: Buffer;
  private position = 0;
  /** How many objects and arrays {@link skipValue} is in: that many of the {@link closers}. */
  private open = 0;
  private isAtFirst = false;
  private keyStart = 0;
  private keyEnd = 0;
  private isKeyPlain = false;
  /** Whether the last string is ASCII without an escape, so that its bytes are its characters. */
  private isPlain = false;
  /** The nesting of the value that was skipped last; 0 for a scalar. */
  depth = 0;
  /** Whether the value that was skipped last has a number with an exponent or very many digits, or an escaped surrogate. */
  hasRareScalars = false;

  constructor(json: Uint8Array) {
    this.json = Buffer.from(json.buffer, json.byteOffset, json.byteLength);
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

  /** Moves into the object or array here, for {@link nextMember} or {@link nextElement}. */
  enter(): void {
    this.step();
    this.isAtFirst = true;
  }

  /** Moves to the value of the next member, which must then be consumed, or behind the object. */
  nextMember(): boolean {
    if (!this.next(CLOSE_BRACE)) return false;
    this.passKey();
    return true;
  }

  /** Moves to the next element, which must then be consumed, or behind the array. */
  nextElement(): boolean {
    return this.next(CLOSE_BRACKET);
  }

  /** Whether the member has this name. Called before its value is consumed. */
  isNamed(name: Uint8Array): boolean {
    const { json, keyStart, keyEnd } = this;
    const length = keyEnd - keyStart;
    if (!this.isKeyPlain) return length <= name.length * ESCAPE_LENGTH && this.key === Buffer.from(name).toString();
    if (length !== name.length) return false;
    for (let i = 0; i < length; i++) {
      if (json[keyStart + i] !== name[i]) return false;
    }
    return true;
  }

  /** The name of the member. Called before its value is consumed. */
  get key(): string {
    return this.decode(this.keyStart, this.keyEnd, this.isKeyPlain);
  }

  /** Moves behind the value here. @returns it as `JSON.parse` does; an array for one that nests too deep */
  readValue(): unknown {
    const start = this.position;
    const isString = this.json[start] === QUOTE;
    this.skipValue();
    if (isString) return this.decode(start + 1, this.position - 1, this.isPlain);
    return this.depth > MAX_DEPTH ? TOO_DEEP : JSON.parse(this.json.toString('utf8', start, this.position));
  }

  /** Moves behind the value here, and sets {@link depth} and {@link hasRareScalars}. */
  skipValue(): void {
    this.depth = 0;
    this.open = 0;
    this.hasRareScalars = false;
    do {
      const byte = this.json[this.position];
      if (byte === QUOTE) {
        this.position = this.endOfString(this.position);
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        const closer = byte === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET;
        this.push(closer);
        this.step();
        if (this.json[this.position] !== closer) {
          if (byte === OPEN_BRACE) this.passKey();
          continue;
        }
      } else {
        this.position = this.endOfLiteral(this.position);
      }
      this.moveOn();
    } while (this.open > 0);
  }

  /** @throws InvalidJsonError when more than space is left */
  requireEnd(): void {
    this.skipSpace();
    if (this.position < this.json.length) throw new InvalidJsonError(this.position);
  }

  /** From behind a value to the next one within {@link skipValue}, or behind all that it opened. */
  private moveOn(): void {
    while (this.open > 0) {
      this.skipSpace();
      const byte = this.json[this.position];
      const closer = closers[this.open - 1];
      if (byte === COMMA) {
        this.step();
        if (closer === CLOSE_BRACE) this.passKey();
        return;
      }
      if (byte !== closer) throw new InvalidJsonError(this.position);
      this.position++;
      this.open--;
    }
  }

  private push(closer: number): void {
    if (this.open === closers.length) closers = Buffer.concat([closers], 2 * closers.length);
    closers[this.open++] = closer;
    if (this.open > this.depth) this.depth = this.open;
  }

  private next(closer: number): boolean {
    this.skipSpace();
    const byte = this.json[this.position];
    const isFirst = this.isAtFirst;
    this.isAtFirst = false;
    if (byte === closer) {
      this.position++;
      return false;
    }
    if (isFirst) return true;
    if (byte !== COMMA) throw new InvalidJsonError(this.position);
    this.step();
    return true;
  }

  private passKey(): void {
    if (this.json[this.position] !== QUOTE) throw new InvalidJsonError(this.position);
    this.keyStart = this.position + 1;
    this.position = this.endOfString(this.position);
    this.keyEnd = this.position - 1;
    this.isKeyPlain = this.isPlain;
    this.skipSpace();
    if (this.json[this.position] !== COLON) throw new InvalidJsonError(this.position);
    this.step();
  }

  /** @returns the position behind the string whose opening quote is at `start` */
  private endOfString(start: number): number {
    const { json } = this;
    let at = start + 1;
    let bits = 0;
    for (;;) {
      const byte = json[at];
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) {
        at = this.endOfEscape(at);
        bits = BEYOND_ASCII;
      } else if (byte !== undefined && byte >= SPACE) {
        bits |= byte;
        at++;
      } else {
        throw new InvalidJsonError(at);
      }
    }
    this.isPlain = bits < BEYOND_ASCII;
    return at + 1;
  }

  private endOfEscape(start: number): number {
    const { json } = this;
    if (json[start + 1] !== LOWER_U) {
      if (!SHORT_ESCAPES.has(json[start + 1])) throw new InvalidJsonError(start + 1);
      return start + 2;
    }
    const end = start + 6;
    for (let at = start + 2; at < end; at++) {
      if (!isHexDigit(json[at])) throw new InvalidJsonError(at);
    }
    if (isSurrogate(json[start + 2], json[start + 3])) this.hasRareScalars = true;
    return end;
  }

  /** The position behind the number, `true`, `false` or `null` that starts here. */
  private endOfLiteral(start: number): number {
    const { json } = this;
    const byte = json[start];
    if (byte === MINUS || isDigit(byte)) return this.endOfNumber(start);
    const literal = byte === LOWER_T ? TRUE : byte === LOWER_F ? FALSE : NULL;
    for (let i = 0; i < literal.length; i++) {
      if (json[start + i] !== literal[i]) throw new InvalidJsonError(start + i);
    }
    return start + literal.length;
  }

  private endOfNumber(start: number): number {
    const { json } = this;
    let at = json[start] === MINUS ? start + 1 : start;
    at = json[at] === ZERO ? at + 1 : this.endOfDigits(at);
    if (json[at] === POINT) at = this.endOfDigits(at + 1);
    if (((json[at] ?? 0) | CASE) === LOWER_E) {
      at++;
      at = this.endOfDigits(json[at] === PLUS || json[at] === MINUS ? at + 1 : at);
      this.hasRareScalars = true;
    }
    if (at - start > SAFE_NUMBER_LENGTH) this.hasRareScalars = true;
    return at;
  }

  /** There must be at least one. */
  private endOfDigits(start: number): number {
    let at = start;
    while (isDigit(this.json[at])) at++;
    if (at === start) throw new InvalidJsonError(at);
    return at;
  }

  /** What stands between quotes. */
  private decode(start: number, end: number, isPlain: boolean): string {
    if (isPlain) return this.json.toString('latin1', start, end);
    const text = this.json.toString('utf8', start, end);
    return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text;
  }

  private step(): void {
    this.position++;
    this.skipSpace();
  }

  private skipSpace(): void {
    while (isSpace(this.json[this.position])) this.position++;
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === SPACE || byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === TAB;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}

function isHexDigit(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  const lower = byte | CASE;
  return isDigit(byte) || (lower >= LOWER_A && lower <= LOWER_F);
}

/** Whether hexadecimal digits that begin so are a code unit from D800 to DFFF. */
function isSurrogate(first: number | undefined, second: number | undefined): boolean {
  return first !== undefined && (first | CASE) === LOWER_D && second !== undefined && second >= EIGHT;
}
