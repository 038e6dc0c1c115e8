import { Logger } from '@nestjs/common';
import { takeAbandonedFolders } from './spool.folder.js';
import { SpoolStore } from './spool.store.js';

/**
 * Moves what other processes left in spools of their own under `root`, and never came back for, into `into`. Resolves when it
 * is there, or does not fit and stays where it is.
 */
export async function adoptAbandoned(root: string, into: SpoolStore): Promise<void> {
  for (const folder of takeAbandonedFolders(root)) {
    const abandoned = new SpoolStore(folder.path, { maxBytes: Infinity, minFreeBytes: 0 });
    try {
      await moveAll(abandoned, into);
    } catch (error) {
      new Logger('Spool').warn(`Batches stay in ${folder.path}: ${abandoned.size}. ${String(error)}`);
    } finally {
      await abandoned.close();
      folder.release();
    }
  }
}

async function moveAll(from: SpoolStore, into: SpoolStore): Promise<void> {
  for (let next = from.after(-1); next !== undefined; next = from.after(next.key[0])) {
    // A crash in between leaves it twice, under the same id.
    await into.append(next.batch);
    await from.remove(next.key);
  }
}
