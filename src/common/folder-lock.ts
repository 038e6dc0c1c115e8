import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { tryLock } from 'fs-native-extensions';
import { errorCodeOf, OperatorError } from './operator.error.js';

/** Another process has the folder; the message is for the operator who wanted it too. */
export class FolderLockedError extends OperatorError {
  override readonly name = 'FolderLockedError';
}

/**
 * Keeps a folder to one process, by a lock of the operating system on a file beside it. The kernel releases the lock when its
 * holder ends, however that happens. It holds between containers too, where a process id says nothing: each has a process 1.
 */
export class FolderLock {
  private isHeld = true;

  private constructor(
    private readonly file: string,
    private readonly descriptor: number,
  ) {}

  /**
   * @param folder is made when it is missing
   * @param remedy what to tell an operator whose folder is taken
   * @throws FolderLockedError when a process, this one included, has the folder
   * @throws OperatorError when its file system has no locks
   * @throws Error with a system error code when it cannot be written; see {@link unwritable}
   */
  static take(folder: string, remedy: string): FolderLock {
    mkdirSync(folder, { recursive: true });
    const file = `${realpathSync(folder)}.lock`;
    for (;;) {
      const descriptor = openSync(file, constants.O_RDWR | constants.O_CREAT);
      try {
        if (!isGranted(descriptor, folder)) {
          throw new FolderLockedError(`${folder} is in use by ${holderOf(descriptor)}. ${remedy}`);
        }
        // The holder before may have removed the file since it was opened here: then others lock another one.
        if (isStill(file, descriptor)) {
          ftruncateSync(descriptor);
          writeSync(descriptor, `${process.pid} ${hostname()}`);
          return new FolderLock(file, descriptor);
        }
      } catch (error) {
        closeSync(descriptor);
        throw error;
      }
      closeSync(descriptor);
    }
  }

  /** Gives the folder free; a second call does nothing. */
  release(): void {
    if (!this.isHeld) return;
    this.isHeld = false;
    // Removed while it is locked, so that it cannot be another holder's.
    rmSync(this.file, { force: true });
    closeSync(this.descriptor);
  }
}

/** For an operator, when it is the disk that refuses: which folder, and what to do. Any other error as it is. */
export function unwritable(folder: string, error: unknown, remedy: string): unknown {
  const code = errorCodeOf(error);
  return error instanceof OperatorError || code === undefined
    ? error
    : new OperatorError(`${folder} cannot be written (${code}). ${remedy}`);
}

function isGranted(descriptor: number, folder: string): boolean {
  try {
    return tryLock(descriptor);
  } catch (error) {
    throw new OperatorError(
      `Nobody can tell whether another process uses ${folder}: its file system has no locks (${errorCodeOf(error)}). ` +
        'Set DATA_DIR to a folder on a local disk.',
    );
  }
}

function isStill(file: string, descriptor: number): boolean {
  const named = statSync(file, { throwIfNoEntry: false });
  const locked = fstatSync(descriptor);
  return named?.ino === locked.ino && named.dev === locked.dev;
}

/** In a container the host name is the container's, by which it can be found. */
function holderOf(descriptor: number): string {
  const [, pid, host] = /^(\d+) (\S+)$/.exec(readFileSync(descriptor, 'utf8')) ?? [];
  return pid === undefined ? 'another process' : `process ${pid} on ${host}`;
}
