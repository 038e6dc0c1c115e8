import { type EventBatch, EVENTS_V1 } from './event-batch.js';

/*
 * What builds up to 2026-11 left in queues, spools and dead letters. Workers combined batches in the queue then, and parted those
 * that ClickHouse refused.
 */

/** Rows of `events.v1` that had been parted from others. */
const EVENTS_APART_V1 = 'events.v1.apart';

/** The data of their jobs in BullMQ, with the rows in it. */
interface LegacyJobData {
  /** The batch's id where it is not the job's. */
  readonly id?: string;
  readonly events: number;
  /** In base64. */
  readonly rows: string;
}

/** The type under which a batch is handled today. */
export function currentType(type: string): string {
  return type === EVENTS_APART_V1 ? EVENTS_V1 : type;
}

/**
 * The batches in a job of an older build, which may all be stored already; none when its rows went into another job. Undefined
 * when it is no such job.
 */
export function batchesInLegacyJob(jobId: string, type: string, data: unknown): readonly EventBatch[] | undefined {
  const { movedTo, parts } = (data ?? {}) as { readonly movedTo?: unknown; readonly parts?: unknown };
  if (typeof movedTo === 'string') return [];
  if (Array.isArray(parts)) {
    const batches = parts.map((part: { readonly id?: unknown; readonly type?: unknown }) =>
      typeof part.id === 'string' && typeof part.type === 'string' ? batchIn(part.id, part.type, part) : undefined,
    );
    const known = batches.filter((batch) => batch !== undefined);
    // Storing a few of them would lose the others.
    return known.length === parts.length ? known : undefined;
  }
  const batch = batchIn(jobId, type, data);
  return batch && [batch];
}

function batchIn(jobId: string, type: string, data: unknown): EventBatch | undefined {
  if (!isLegacyData(data)) return undefined;
  const { id = jobId, events, rows } = data;
  return { id, type: currentType(type), events, rows: Buffer.from(rows, 'base64'), mayBeRepeated: true };
}

function isLegacyData(data: unknown): data is LegacyJobData {
  const { rows, events } = (data ?? {}) as Partial<LegacyJobData>;
  return typeof rows === 'string' && typeof events === 'number';
}
