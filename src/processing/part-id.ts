import { createHash } from 'node:crypto';
import { formatUuid, withVersion } from '../common/uuid7.js';

const TIME_DIGITS = 12;

/**
 * The id of a part of a batch: always the same for the same part, so that a part is stored once however often it is cut off.
 * It keeps the time at which the batch was accepted.
 * @param part names the part among those of its batch
 */
export function partId(batchId: string, part: string): string {
  const time = Buffer.from(batchId.replaceAll('-', '').slice(0, TIME_DIGITS), 'hex');
  const digest = createHash('sha256').update(`${batchId}\0${part}`).digest();
  return formatUuid(withVersion(Buffer.concat([time, digest]).subarray(0, 16), 7));
}
