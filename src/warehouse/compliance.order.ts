import type { RedactionScope } from './redactor.js';

/** The clocks of two instances may differ by so much. */
const CLOCKS_AGREE_WITHIN_MS = 500;

/**
 * How long after the receipt of a request its answer is due: whatever is accepted after that was accepted after
 * {@link acceptedBefore}, by whichever instance's clock.
 */
export const ANSWER_AFTER_MS = 2 * CLOCKS_AGREE_WITHIN_MS;

/** A request about personal data, on its way from the API to the worker that carries it out. */
export interface ComplianceOrder {
  readonly tenantId: string;
  /** UUID in its text form; the same for a repeated request. */
  readonly id: string;
  /** Shopify's name for it, such as `customers/redact`. */
  readonly topic: string;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
  /** What to remove; undefined when it is only to be put on record. */
  readonly scope: RedactionScope | undefined;
}

/** Whatever was accepted before the request bears an earlier time than this, by whichever instance's clock: ms since 1970. */
export function acceptedBefore({ receivedAt }: ComplianceOrder): number {
  return receivedAt + CLOCKS_AGREE_WITHIN_MS;
}

/** The `rows` of a batch of type `compliance.v1`, which holds one order. */
export function encodeComplianceOrder(order: ComplianceOrder): Buffer {
  return Buffer.from(JSON.stringify(order));
}

/** Reads what {@link encodeComplianceOrder} wrote. */
export function decodeComplianceOrder(rows: Uint8Array): ComplianceOrder {
  return JSON.parse(Buffer.from(rows.buffer, rows.byteOffset, rows.byteLength).toString()) as ComplianceOrder;
}
