import type { EventBatch } from '../event-batch.js';
import { type BatchJobData, decodeBatchJob, encodeBatchJob } from './batch-job.codec.js';

/** The data of the job of a batch that was split: its parts in place of its rows. */
export interface SplitJobData {
  readonly parts: readonly SplitJobPart[];
}

interface SplitJobPart extends BatchJobData {
  readonly id: string;
  readonly type: string;
}

export function encodeSplitJob(parts: readonly EventBatch[]): SplitJobData {
  return { parts: parts.map((part) => ({ id: part.id, type: part.type, ...encodeBatchJob(part) })) };
}

/** The parts in a job; undefined when the job was not written by {@link encodeSplitJob}. */
export function decodeSplitJob(data: unknown): EventBatch[] | undefined {
  const parts: unknown = (data as Partial<SplitJobData> | null)?.parts;
  if (!Array.isArray(parts)) {
    return undefined;
  }
  const batches = (parts as SplitJobPart[]).map((part) => decodeBatchJob(part.id, part.type, part));
  const known = batches.filter((batch) => batch !== undefined);
  // Passing on a few of them would lose the others.
  return known.length === parts.length ? known : undefined;
}
