import type { EventBatch } from '../event-batch.js';

/**
 * The data of one BullMQ job, which BullMQ keeps as JSON. The rows are under a key of their own ({@link rowsKey}), as bytes. They come
 * and go with the job: whoever finds a job without rows knows that these are stored.
 */
export interface BatchJobData {
  /** The batch's id where it is not the job's: a replayed batch is a new job. */
  readonly id?: string;
  readonly events: number;
  readonly mayBeRepeated?: true;
}

export function batchJobData({ id, events, mayBeRepeated }: EventBatch, jobId: string): BatchJobData {
  return { ...(id === jobId ? {} : { id }), events, ...(mayBeRepeated === true ? { mayBeRepeated } : {}) };
}

/** False for jobs of an older build, too, which hold their rows. */
export function isBatchJobData(data: unknown): data is BatchJobData {
  const { events, rows } = (data ?? {}) as { readonly events?: unknown; readonly rows?: unknown };
  return typeof events === 'number' && rows === undefined;
}

/** @param queueKey what the keys of the queue start with */
export function rowsKey(queueKey: string, jobId: string): string {
  return `${queueKey}rows:${jobId}`;
}
