import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { FolderLock, FolderLockedError } from '../../common/folder-lock.js';
import type { EventBatch } from '../event-batch.js';
import { SpoolStore } from './spool.store.js';

const REMEDY = 'Stop that process, or set DATA_DIR to another folder.';

/** A spool's folder, which this process has until it lets go of it. */
export interface SpoolFolder {
  readonly path: string;
  release(): void;
}

/**
 * Takes the first folder under `root`, the only one of a process that is API and worker.
 * @throws FolderLockedError when another process has it
 */
export function takeOnlyFolder(root: string): SpoolFolder {
  return take(root, '0');
}

/** Takes the first folder under `root` that no other process has, so that instances may share a DATA_DIR. */
export function takeFreeFolder(root: string): SpoolFolder {
  for (let slot = 0; ; slot++) {
    const folder = takeUnlessLocked(root, String(slot));
    if (folder !== undefined) return folder;
  }
}

/** Takes all other folders under `root` that no process has: what instances left behind that did not come back. */
function takeAbandonedFolders(root: string): SpoolFolder[] {
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && /^\d+$/.test(entry.name))
    .map(({ name }) => takeUnlessLocked(root, name))
    .filter((folder) => folder !== undefined);
}

function takeUnlessLocked(root: string, name: string): SpoolFolder | undefined {
  try {
    return take(root, name);
  } catch (error) {
    if (error instanceof FolderLockedError) return undefined;
    throw error;
  }
}

function take(root: string, name: string): SpoolFolder {
  const path = join(root, name);
  const lock = FolderLock.take(path, REMEDY);
  return {
    path,
    release: () => {
      lock.release();
    },
  };
}

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
