/** Another process has the embedded control plane open. */
export class FolderLockedError extends Error {
  override readonly name = 'FolderLockedError';

  constructor(folder: string, pid: number, lockFile: string) {
    super(
      `The embedded control plane in ${folder} is in use by process ${pid}: stop the service first, or set DATABASE_URL. ` +
        `If process ${pid} is not this service, delete ${lockFile}.`,
    );
  }
}
