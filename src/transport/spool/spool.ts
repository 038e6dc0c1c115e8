import { join } from 'node:path';
import type { Configuration } from '../../config/configuration.js';
import type { EventBatch } from '../event-batch.js';
import { adoptAbandoned } from './adopt-abandoned.js';
import { type SpoolFolder, takeFreeFolder, takeOnlyFolder } from './spool.folder.js';
import { SpoolStore } from './spool.store.js';

/** This process's spool: a folder of its own under `DATA_DIR/spool`, open until it is closed. */
export class Spool {
  readonly store: SpoolStore;

  private constructor(
    private readonly root: string,
    private readonly folder: SpoolFolder,
    { spoolMaxBytes, spoolMinFreeBytes }: Configuration,
  ) {
    this.store = new SpoolStore(folder.path, { maxBytes: spoolMaxBytes, minFreeBytes: spoolMinFreeBytes });
  }

  /**
   * The spool as the queue itself.
   * @throws FolderLockedError when another process has it; Error when the disk cannot be written
   */
  static openQueue(configuration: Configuration): Spool {
    const root = rootOf(configuration);
    return new Spool(root, takeOnlyFolder(root), configuration);
  }

  /**
   * The spool behind a broker; undefined where no requests come in, and when the settings turn it off.
   * @throws Error when the disk cannot be written
   */
  static openFailover(configuration: Configuration): Spool | undefined {
    if (configuration.role === 'worker' || configuration.spoolMaxBytes === 0) {
      return undefined;
    }
    const root = rootOf(configuration);
    return new Spool(root, takeFreeFolder(root), configuration);
  }

  /** Gives `take` what other processes left in their spools and did not come back for. */
  async adoptAbandoned(take: (batch: EventBatch) => Promise<void>): Promise<void> {
    await adoptAbandoned(this.root, take);
  }

  /** Resolves when another process may have the folder. */
  async close(): Promise<void> {
    await this.store.close();
    this.folder.release();
  }
}

function rootOf({ dataDir }: Configuration): string {
  return join(dataDir, 'spool');
}
