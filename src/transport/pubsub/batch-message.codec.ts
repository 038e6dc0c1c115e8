import { promisify } from 'node:util';
import { constants, gunzip, gzip } from 'node:zlib';
import type { EventBatch } from '../event-batch.js';
import { BatchRejectedError } from '../event-transport.js';
import { currentType } from '../legacy-jobs.js';

/** A message as it is published. */
export interface BatchMessage {
  readonly data: Buffer;
  readonly attributes: Record<string, string>;
}

/** A message as it is delivered. */
export interface DeliveredMessage {
  readonly data: Buffer;
  readonly attributes: Readonly<Record<string, string>>;
}

/**
 * Pub/Sub takes 10,000,000 bytes a message and a request: https://cloud.google.com/pubsub/quotas#resource_limits. The rest is
 * for attributes and framing.
 */
export const MAX_DATA_BYTES = 9_900_000;

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const gzipAsync = promisify(gzip);
const gunzipAsync = promisify(gunzip);

/**
 * A batch as a message: its rows as they are, or compressed where they would be too large. Text has at most seven bits of
 * information in a byte, so that what a request of 10 MiB brings fits in any case.
 * @throws BatchRejectedError for one that fits into no message; the settings keep requests below what could become one
 */
export async function encodeBatchMessage({ id, type, events, rows }: EventBatch): Promise<BatchMessage> {
  const attributes: Record<string, string> = { id, type, events: String(events) };
  const data = Buffer.from(rows.buffer, rows.byteOffset, rows.byteLength);
  if (data.byteLength <= MAX_DATA_BYTES) return { data, attributes };
  const compressed = await gzipAsync(data, { level: constants.Z_BEST_SPEED });
  if (compressed.byteLength > MAX_DATA_BYTES) {
    throw new BatchRejectedError(
      `A batch of ${rows.byteLength} bytes is too large for Pub/Sub, compressed to ${compressed.byteLength} too. Lower MAX_BODY_BYTES.`,
    );
  }
  return { data: compressed, attributes: { ...attributes, encoding: 'gzip' } };
}

/** The batch in a message; undefined when the message was not written by {@link encodeBatchMessage}. */
export async function decodeBatchMessage({ data, attributes }: DeliveredMessage): Promise<EventBatch | undefined> {
  const { id, type, events, encoding } = attributes;
  if (id === undefined || !UUID.test(id) || !type || !/^[1-9]\d{0,8}$/.test(events ?? '')) return undefined;
  const rows = await rowsOf(data, encoding);
  return rows && { id, type: currentType(type), events: Number(events), rows };
}

async function rowsOf(data: Buffer, encoding: string | undefined): Promise<Buffer | undefined> {
  switch (encoding) {
    case undefined:
      return data;
    case 'gzip':
      return gunzipAsync(data).catch(() => undefined);
    default:
      return undefined;
  }
}
