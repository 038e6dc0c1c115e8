import { join } from 'node:path';
import { errorCodeOf } from '../../common/error-code.js';
import { OperatorError } from '../../common/operator.error.js';
import type { Configuration } from '../../config/configuration.js';
import type { EventBatch } from '../event-batch.js';
import { adoptAbandoned } from './adopt-abandoned.js';
import { type SpoolFolder, takeFreeFolder, takeOnlyFolder } from './spool.folder.js';
import { SpoolStore } from './spool.store.js';

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
    return Spool.openIn(configuration, takeOnlyFolder);
  }

  /**
   * The spool behind a broker; undefined where no requests come in, and when the settings turn it off.
   * @throws OperatorError when the disk cannot be written
   */
  static openFailover(configuration: Configuration): Spool | undefined {
    const { role, spoolMaxBytes } = configuration;
    return role === 'worker' || spoolMaxBytes === 0 ? undefined : Spool.openIn(configuration, takeFreeFolder);
  }

  private static openIn(configuration: Configuration, take: (root: string) => SpoolFolder): Spool {
    const { dataDir, spoolMaxBytes: maxBytes, spoolMinFreeBytes: minFreeBytes } = configuration;
    const root = join(dataDir, 'spool');
    try {
      const folder = take(root);
      return new Spool(new SpoolStore(folder.path, { maxBytes, minFreeBytes }), folder, root);
    } catch (error) {
      const code = errorCodeOf(error);
      if (error instanceof OperatorError || code === undefined) throw error;
      throw new OperatorError(
        `Events cannot be kept in ${root} while the queue is away (${code}). Set DATA_DIR to a folder that can be written, ` +
          'or SPOOL_MAX_BYTES=0 to have them refused then.',
      );
    }
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
