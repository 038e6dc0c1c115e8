import { join } from 'node:path';
import type { Configuration } from '../../config/configuration.js';
import { takeFreeFolder, takeOnlyFolder, type SpoolFolder } from './spool.folder.js';
import { SpoolStore } from './spool.store.js';

/** The folder under DATA_DIR in which spools are, each in a folder of its own. */
export function spoolRoot({ dataDir }: Configuration): string {
  return join(dataDir, 'spool');
}

/** This process's spool, open until it is closed. */
export class Spool {
  private constructor(
    readonly store: SpoolStore,
    private readonly folder: SpoolFolder,
  ) {}

  /**
   * The spool as the queue itself.
   * @throws FolderLockedError when another process has it; Error when the disk cannot be written
   */
  static openQueue(configuration: Configuration): Spool {
    return Spool.openIn(takeOnlyFolder(spoolRoot(configuration)), configuration);
  }

  /**
   * The spool behind a broker, where requests come in and unless the settings turn it off.
   * @throws Error when the disk cannot be written
   */
  static openFailover(configuration: Configuration): Spool | undefined {
    const { role, spoolMaxBytes } = configuration;
    return role === 'worker' || spoolMaxBytes === 0
      ? undefined
      : Spool.openIn(takeFreeFolder(spoolRoot(configuration)), configuration);
  }

  private static openIn(folder: SpoolFolder, { spoolMaxBytes, spoolMinFreeBytes }: Configuration): Spool {
    return new Spool(new SpoolStore(folder.path, { maxBytes: spoolMaxBytes, minFreeBytes: spoolMinFreeBytes }), folder);
  }

  async close(): Promise<void> {
    await this.store.close();
    this.folder.release();
  }
}
