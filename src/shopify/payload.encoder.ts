import { Decimal } from './decimal.js';

/** What an event tells of a Shopify object, by property. What is undefined is left out. */
export type Payload = Readonly<Record<string, string | number | boolean | Decimal | undefined>>;

/** The payload as JSON text in UTF-8. Amounts become numbers with the digits that Shopify sent. */
export function encodePayload(payload: Payload): Uint8Array {
  const members = Object.entries(payload)
    .filter(([, value]) => value !== undefined)
    .map(
      ([name, value]) =>
        `${JSON.stringify(name)}:${value instanceof Decimal ? value.toString() : JSON.stringify(value)}`,
    );
  return Buffer.from(`{${members.join(',')}}`);
}
