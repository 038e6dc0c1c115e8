import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import type { EventBatch } from '../event-batch.js';
import { type SpoolFolder, takeAbandonedFolders } from './spool.folder.js';
import { SpoolStore } from './spool.store.js';

/**
 * Moves what other processes left in spools of their own under `root`, and did not come back for. Resolves when `take` has it
 * on disk, or refuses it; then it stays where it is.
 */
export async function adoptAbandoned(root: string, take: (batch: EventBatch) => Promise<unknown>): Promise<void> {
  for (const folder of takeAbandonedFolders(root)) {
    try {
      if (existsSync(join(folder.path, 'data.mdb'))) await adopt(folder, take);
    } finally {
      folder.release();
    }
  }
}

async function adopt(folder: SpoolFolder, take: (batch: EventBatch) => Promise<unknown>): Promise<void> {
  const abandoned = new SpoolStore(folder.path, { maxBytes: Infinity, minFreeBytes: 0 });
  try {
    for (let next = abandoned.after(-1); next !== undefined; next = abandoned.after(next.key[0])) {
      // A crash in between leaves it twice, under the same id.
      await take(next.batch);
      await abandoned.remove(next.key);
    }
  } catch (error) {
    new Logger('Spool').warn(`Batches stay in ${folder.path}: ${abandoned.size}. ${String(error)}`);
  }
  const isEmpty = abandoned.bytes === 0;
  await abandoned.close();
  // So that nobody looks into it again.
  if (isEmpty) rmSync(folder.path, { recursive: true });
}
