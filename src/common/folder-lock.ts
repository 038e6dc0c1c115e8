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

/** Another process uses the folder. */
export class FolderLockedError extends OperatorError {
  override readonly name = 'FolderLockedError';
}

/**
 * Keeps a folder to one process, by a lock of the operating system on a file beside it. The kernel releases it when its holder
 * ends. It works between containers too, where process ids mean nothing.
 */
export class FolderLock {
  private isHeld = true;

  private constructor(
    private readonly file: string,
    private readonly descriptor: number,
  ) {}

  /**
   * @param folder made when missing
   * @param remedy for the operator whose folder is in use
   * @throws FolderLockedError when a process, even this one, has the lock
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
        // The last holder may have removed the file since we opened it: others would lock a new one.
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

  /** May be called again. */
  release(): void {
    if (!this.isHeld) return;
    this.isHeld = false;
    // Removed while locked, so that it is not another holder's.
    rmSync(this.file, { force: true });
    closeSync(this.descriptor);
  }
}

/** An OperatorError for errors of the disk; other errors unchanged. */
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
      `It is not known whether another process uses ${folder}: its file system has no locks (${errorCodeOf(error)}). ` +
        'Set DATA_DIR to a folder on a local disk.',
    );
  }
}

function isStill(file: string, descriptor: number): boolean {
  const named = statSync(file, { throwIfNoEntry: false });
  const locked = fstatSync(descriptor);
  return named?.ino === locked.ino && named.dev === locked.dev;
}

/** A container's host name identifies it. */
function holderOf(descriptor: number): string {
  const [, pid, host] = /^(\d+) (\S+)$/.exec(readFileSync(descriptor, 'utf8')) ?? [];
  return pid === undefined ? 'another process' : `process ${pid} on ${host}`;
}
