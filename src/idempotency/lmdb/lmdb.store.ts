import { open, type RootDatabase } from 'lmdb';
import { Logger } from '@nestjs/common';
import { FolderLock, unwritable } from '../../common/folder-lock.js';
import { type Caller, IdempotencyStore, type MemoryBound, type MemoryKey } from '../idempotency.store.js';
import { TtlStore } from './ttl.store.js';

const SWEEP_EVERY_MS = 1_000;
/** A thousand removals take a few milliseconds of the one thread that also answers requests. */
const SWEEP_AT_MOST = 1_000;

/** What the only process of a deployment without Redis keeps, in a folder on its disk. */
export class LmdbStore extends IdempotencyStore {
  private readonly logger = new Logger('Idempotency');
  private readonly memory: TtlStore;
  private readonly sweeper: NodeJS.Timeout;

  private constructor(
    private readonly root: RootDatabase,
    private readonly lock: FolderLock,
  ) {
    super();
    this.memory = new TtlStore(root);
    this.sweeper = setInterval(() => void this.sweep(), SWEEP_EVERY_MS);
    this.sweeper.unref();
  }

  /**
   * @param folder made when it is missing
   * @throws OperatorError when another process has it, or the disk cannot be written
   */
  static open(folder: string): LmdbStore {
    let lock: FolderLock | undefined;
    try {
      lock = FolderLock.take(folder, 'Stop that process, set REDIS_URL for several processes, or another DATA_DIR.');
      return new LmdbStore(open({ path: folder, maxDbs: 3 }), lock);
    } catch (error) {
      lock?.release();
      throw unwritable(folder, error, 'Set DATA_DIR to a folder that this process can write, or REDIS_URL.');
    }
  }

  recall(key: MemoryKey): Promise<string | undefined> {
    return Promise.resolve(this.memory.recall(key));
  }

  remember(key: MemoryKey, value: string, caller?: Caller): Promise<MemoryBound['of'] | undefined> {
    return this.memory.remember(key, value, caller);
  }

  async close(): Promise<void> {
    clearInterval(this.sweeper);
    await this.root.close();
    this.lock.release();
  }

  private async sweep(): Promise<void> {
    try {
      await this.memory.sweep(SWEEP_AT_MOST);
    } catch (error) {
      this.logger.warn(`What has had its time could not be removed from DATA_DIR: ${String(error)}`);
    }
  }
}
