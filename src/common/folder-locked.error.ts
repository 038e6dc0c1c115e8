import { OperatorError } from './operator.error.js';

/** A process has the folder; the message is for the operator who wanted it too. */
export class FolderLockedError extends OperatorError {
  override readonly name = 'FolderLockedError';

  /** @param remedy what to do, if the process is what it seems to be */
  constructor(folder: string, pid: number, remedy: string, lockFile: string) {
    super(
      `${folder} is in use by process ${pid}. ${remedy} If process ${pid} is something else altogether, delete ${lockFile}.`,
    );
  }
}
