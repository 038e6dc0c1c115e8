import type { IncomingMessage } from 'node:http';
import { uuid7 } from './uuid7.js';

export const REQUEST_ID_HEADER = 'x-request-id';

/** The caller's id for its request when it is a sane one, else a new one. Sane: safe to log, to store and to send back. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const sent = request.headers[REQUEST_ID_HEADER];
  return typeof sent === 'string' && /^[\w.:-]{1,128}$/.test(sent) ? sent : uuid7();
}
