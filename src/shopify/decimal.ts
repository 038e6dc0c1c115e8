/** More than any amount of money has, and far within what a double can hold. */
const FORM = /^(-?)(\d{1,30})(?:\.(\d{1,20}))?$/;

/** An exact amount: sums have no error, and `59.90` stays `59.90`. */
export class Decimal {
  static readonly ZERO = new Decimal(0n, 0);

  private constructor(
    private readonly units: bigint,
    /** Digits behind the point. */
    private readonly scale: number,
  ) {}

  /** Shopify writes money as text (`"59.90"`) or as a number (`5.0`); undefined when the value is neither. */
  static from(value: unknown): Decimal | undefined {
    if (typeof value !== 'string' && typeof value !== 'number') return undefined;
    const match = FORM.exec(String(value).trim());
    if (match === null) return undefined;
    const [, sign = '', whole = '', fraction = ''] = match;
    return new Decimal(BigInt(`${whole}${fraction}`) * (sign === '' ? 1n : -1n), fraction.length);
  }

  plus(other: Decimal): Decimal {
    const scale = Math.max(this.scale, other.scale);
    return new Decimal(this.unitsAt(scale) + other.unitsAt(scale), scale);
  }

  /** A number in the syntax of JSON. */
  toString(): string {
    const digits = (this.units < 0n ? -this.units : this.units).toString().padStart(this.scale + 1, '0');
    const point = digits.length - this.scale;
    const fraction = this.scale === 0 ? '' : `.${digits.slice(point)}`;
    return `${this.units < 0n ? '-' : ''}${digits.slice(0, point)}${fraction}`;
  }

  private unitsAt(scale: number): bigint {
    return this.units * 10n ** BigInt(scale - this.scale);
  }
}
