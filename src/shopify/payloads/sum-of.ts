import { Decimal } from '../decimal.js';

/** Undefined when an amount is missing: a sum of the others would be wrong without anybody noticing. */
export function sumOf(amounts: readonly (Decimal | undefined)[]): Decimal | undefined {
  return amounts.reduce<Decimal | undefined>(
    (sum, amount) => (sum === undefined || amount === undefined ? undefined : sum.plus(amount)),
    Decimal.ZERO,
  );
}
