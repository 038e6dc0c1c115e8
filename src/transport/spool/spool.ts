import { join } from 'node:path';
import { unwritable } from '../../common/folder-lock.js';
import type { Configuration } from '../../config/configuration.js';
import type { EventBatch } from '../event-batch.js';
import { adoptAbandoned, type SpoolFolder, takeFreeFolder, takeOnlyFolder } from './spool.folder.js';
import { SpoolStore } from './spool.store.js';

const ANOTHER_DISK = 'Set DATA_DIR to a folder that this process can write';

/** This process's spool: a folder of its own under `DATA_DIR/spool`, open until it is closed. */
export class Spool {
  private constructor(
    readonly store: SpoolStore,
    private readonly folder: SpoolFolder,
    private readonly root: string,
  ) {}

  /**
   * The spool as the queue itself.
   * @throws OperatorError when another process has it, or the disk cannot be written
   */
  static openQueue(configuration: Configuration): Spool {
    return Spool.openIn(configuration, takeOnlyFolder, `${ANOTHER_DISK}.`);
  }

  /**
   * The spool behind a broker; undefined where no requests come in, and when the settings turn it off.
   * @throws OperatorError when the disk cannot be written
   */
  static openFailover(configuration: Configuration): Spool | undefined {
    const { role, spoolMaxBytes } = configuration;
    if (role === 'worker' || spoolMaxBytes === 0) return undefined;
    const remedy = `${ANOTHER_DISK}, or SPOOL_MAX_BYTES=0 to have events refused while the queue is away.`;
    return Spool.openIn(configuration, takeFreeFolder, remedy);
  }

  /** @param remedy what to tell an operator whose disk cannot be written */
  private static openIn(configuration: Configuration, take: (root: string) => SpoolFolder, remedy: string): Spool {
    const { dataDir, spoolMaxBytes: maxBytes, spoolMinFreeBytes: minFreeBytes } = configuration;
    const root = join(dataDir, 'spool');
    let folder: SpoolFolder | undefined;
    try {
      folder = take(root);
      return new Spool(new SpoolStore(folder.path, { maxBytes, minFreeBytes }), folder, root);
    } catch (error) {
      folder?.release();
      throw unwritable(root, error, remedy);
    }
  }

  /** Gives `take` what other processes left in their spools and did not come back for. */
  async adoptAbandoned(take: (batch: EventBatch) => Promise<unknown>): Promise<void> {
    await adoptAbandoned(this.root, take);
  }

  /** Resolves when another process may have the folder. */
  async close(): Promise<void> {
    await this.store.close();
    this.folder.release();
  }
}
