import { createHash } from 'node:crypto';
import { formatUuid, withVersion } from '../common/uuid7.js';

const TIME_DIGITS = 12;

/**
 * The id of what is made of a batch: always the same for the same one, however often it is made. It keeps the time at which the
 * batch was accepted.
 * @param what tells it from all else that is made of that batch
 */
export function derivedId(batchId: string, what: string): string {
  const time = Buffer.from(batchId.replaceAll('-', '').slice(0, TIME_DIGITS), 'hex');
  const digest = createHash('sha256').update(`${batchId}\0${what}`).digest();
  return formatUuid(withVersion(Buffer.concat([time, digest]).subarray(0, 16), 7));
}
