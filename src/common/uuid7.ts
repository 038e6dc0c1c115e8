import { randomFillSync } from 'node:crypto';

const RANDOM_BYTES_PER_ID = 10;
const pool = new Uint8Array(RANDOM_BYTES_PER_ID * 512);
let poolOffset = pool.length;

/**
 * A new UUID version 7 (RFC 9562): 48 bits of Unix milliseconds, then random bits.
 * @returns its 16 bytes
 */
export function uuid7Bytes(now: number = Date.now()): Uint8Array {
  if (poolOffset === pool.length) {
    randomFillSync(pool);
    poolOffset = 0;
  }
  const id = new Uint8Array(16);
  const high = Math.floor(now / 2 ** 32);
  id[0] = high >>> 8;
  id[1] = high;
  id[2] = now >>> 24;
  id[3] = now >>> 16;
  id[4] = now >>> 8;
  id[5] = now;
  id.set(pool.subarray(poolOffset, poolOffset + RANDOM_BYTES_PER_ID), 6);
  poolOffset += RANDOM_BYTES_PER_ID;
  return withVersion(id, 7);
}

/** A new UUID version 7 in its text form of 36 characters. */
export function uuid7(now?: number): string {
  return formatUuid(uuid7Bytes(now));
}

/** The Unix milliseconds in which a UUID version 7 was made. */
export function uuid7Time(id: string): number {
  return parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** Marks 16 bytes as a UUID of the given version, in place. Version 8 is for ids that we derive ourselves. */
export function withVersion(id: Uint8Array, version: 7 | 8): Uint8Array {
  id[6] = ((id[6] ?? 0) & 0x0f) | (version << 4);
  id[8] = ((id[8] ?? 0) & 0x3f) | 0x80;
  return id;
}

/** The text form of 36 characters of 16 bytes. */
export function formatUuid(id: Uint8Array): string {
  const hex = Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
