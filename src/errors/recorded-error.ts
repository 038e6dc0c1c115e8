import { uuid7 } from '../common/uuid7.js';
import type { ErrorRow } from '../warehouse/error.writer.js';

/** What may be recorded. Clients see these words. */
export const ERROR_TYPES = [
  'validation_failed',
  'schema_violation',
  'request_refused',
  'webhook_refused',
  'webhook_unmapped',
  'dead_letter',
] as const;
export type ErrorType = (typeof ERROR_TYPES)[number];

export const ERROR_SOURCES = ['track', 'batch', 'shopify', 'worker'] as const;
/** The part of the service that saw it: a route, or the worker. */
export type ErrorSource = (typeof ERROR_SOURCES)[number];

/** Something that went wrong with a tenant's events, for its operators to read. */
export interface RecordedError {
  /** The tenant's slug. */
  readonly tenantId: string;
  /** When it happened: milliseconds since 1970. */
  readonly ts: number;
  readonly errorType: ErrorType;
  readonly source: ErrorSource;
  /** What was wrong and how to mend it, of up to 500 characters; the rest is cut off. Never a secret, a token or SQL. */
  readonly detail: string;
  /** As the event has it, which may be anything; only texts are recorded. */
  readonly eventType?: unknown;
  /** As the event has it, which may be anything; only texts are recorded. */
  readonly userId?: unknown;
  readonly requestId?: string | undefined;
  /** Of webhooks that are alike but for their topic: one of each a minute is kept, the others are counted. */
  readonly topic?: string | undefined;
}

const MAX_DETAIL = 500;
/** The limits of events, so that whatever is recorded of a valid one is all of it, and erased with its user. */
const MAX_USER_ID = 255;
const MAX_EVENT_TYPE = 100;
/** That of `requestIdOf`. */
const MAX_REQUEST_ID = 128;

/** The error as it is stored: under a new id, with texts that are bounded and fit to be shown. */
export function toErrorRow(error: RecordedError): ErrorRow {
  return {
    tenantId: error.tenantId,
    id: uuid7(),
    ts: error.ts,
    errorType: error.errorType,
    source: error.source,
    detail: plainText(error.detail, MAX_DETAIL),
    eventType: plainText(error.eventType, MAX_EVENT_TYPE),
    userId: plainText(error.userId, MAX_USER_ID),
    requestId: plainText(error.requestId, MAX_REQUEST_ID),
  };
}

/** Control characters, and surrogates without their other half: a pair is one character under the flag `u`. */
const UNFIT = /[\p{Cc}\p{Cs}]/gu;

/**
 * A text that anybody's terminal can show and UTF-8 can carry: without control characters and unpaired surrogates, of at most
 * `maxLength` characters (code points). What is no text is an empty one.
 */
export function plainText(value: unknown, maxLength: number): string {
  if (typeof value !== 'string') {
    return '';
  }
  // Cut before it is searched, as it may be megabytes: no character takes more than two units.
  const text = value.slice(0, 2 * maxLength).replace(UNFIT, '');
  return text.length <= maxLength ? text : Array.from(text).slice(0, maxLength).join('');
}
