import { hash } from 'node:crypto';
import type { Caller } from './idempotency.store.js';

/** 22 characters of base64url are 132 bits: two bodies that are not equal never share them. */
const CHARACTERS = 22;

/** What two requests have in common when one may be the other's retry. */
export interface RepeatableRequest {
  readonly tenantId: string;
  /** Says nothing of what is the same; what is remembered is bounded by it. */
  readonly caller: Caller;
  readonly route: string;
  /** The only user that the caller may speak for: users of one tenant never have a request in common. */
  readonly uid: string | undefined;
  /** After decompression. */
  readonly body: Uint8Array | undefined;
}

/** The same text for the same request, byte for byte; it starts with the tenant. */
export function fingerprintOf({ tenantId, route, uid, body }: RepeatableRequest): string {
  const digest = digestOf(body ?? '');
  return `${tenantId}:${route}:${uid === undefined ? digest : digestOf(`${digest} ${uid}`)}`;
}

/** 22 characters that stand for the bytes. */
export function digestOf(bytes: Uint8Array | string): string {
  return hash('sha256', bytes, 'base64url').slice(0, CHARACTERS);
}
