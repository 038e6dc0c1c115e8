import { linkSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { errorCodeOf } from './error-code.js';
import { FolderLockedError } from './folder-locked.error.js';

/** Lock files of this process: a process id alone cannot tell them from those of a container's earlier process 1. */
const held = new Set<string>();

/** The holder of a lock file that names no process, as a full disk may leave one. */
const NOBODY = 0;

/**
 * Keeps a folder to one process, by a file beside it that holds the process id. The lock of a process that is gone is
 * taken over.
 */
export class FolderLock {
  private constructor(private readonly file: string) {}

  /**
   * @param remedy what to tell an operator whose folder is taken
   * @throws FolderLockedError when a live process, this one included, has the folder.
   */
  static take(folder: string, remedy: string): FolderLock {
    const file = `${realpathSync(folder)}.lock`;
    if (held.has(file)) {
      throw new FolderLockedError(folder, process.pid, remedy, file);
    }
    const own = `${file}.${process.pid}`;
    writeFileSync(own, String(process.pid));
    try {
      // A link appears whole or not at all, so that nobody reads a lock without its process id.
      while (
        !succeedsUnless('EEXIST', () => {
          linkSync(own, file);
        })
      ) {
        const holder = clearStaleLock(file);
        if (holder !== undefined) throw new FolderLockedError(folder, holder, remedy, file);
      }
    } finally {
      rmSync(own);
    }
    held.add(file);
    return new FolderLock(file);
  }

  /** Gives the folder free; a second call does nothing. */
  release(): void {
    if (held.delete(this.file)) {
      rmSync(this.file, { force: true });
    }
  }
}

/** @returns the process that has the lock, when it is alive */
function clearStaleLock(file: string): number | undefined {
  const aside = `${file}.${process.pid}.stale`;
  const holder = readHolder(file);
  if (holder === undefined) {
    return undefined;
  }
  if (holder !== NOBODY && holder !== process.pid && isAlive(holder)) {
    return holder;
  }
  if (
    !succeedsUnless('ENOENT', () => {
      renameSync(file, aside);
    })
  ) {
    return undefined;
  }
  // Another process may have found the same dead holder and taken over just now: then its lock goes back.
  if (readHolder(aside) !== holder) {
    succeedsUnless('EEXIST', () => {
      linkSync(aside, file);
    });
  }
  rmSync(aside);
  return undefined;
}

function readHolder(file: string): number | undefined {
  let text = '';
  if (
    !succeedsUnless('ENOENT', () => {
      text = readFileSync(file, 'utf8');
    })
  ) {
    return undefined;
  }
  return /^[1-9]\d*$/.test(text) ? Number(text) : NOBODY;
}

function isAlive(pid: number): boolean {
  // Signal 0 asks only whether the process exists; EPERM means it does and is somebody else's.
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCodeOf(error) === 'EPERM';
  }
}

/** Whether `action` went through; `false` when it failed with the system error `code`, any other is thrown. */
function succeedsUnless(code: string, action: () => void): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (errorCodeOf(error) === code) {
      return false;
    }
    throw error;
  }
}
