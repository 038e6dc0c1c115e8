import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { FolderLock, FolderLockedError } from '../../common/folder-lock.js';

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
export function takeAbandonedFolders(root: string): SpoolFolder[] {
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
