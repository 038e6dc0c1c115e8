import { statfsSync } from 'node:fs';
import { Logger } from '@nestjs/common';
import { TransportUnavailableError } from '../event-transport.js';

/** LMDB keeps a value of more than half a page in pages of its own. */
const PAGE_BYTES = 4096;
/** How long an answer about the disk holds; what is claimed meanwhile is counted on top. */
const ASK_DISK_EVERY_MS = 250;
/** Other programs fill the disk too, and nobody would hear of it before the spool is needed. */
const LOOK_EVERY_MS = 5_000;

export interface SpoolLimits {
  /** What the spool may hold, in bytes. */
  readonly maxBytes: number;
  /** What must stay free on its disk, in bytes: other programs need it, and LMDB must never meet a full one. */
  readonly minFreeBytes: number;
}

/** How much a spool holds, and whether more may come. Logs when that ends, and when it is so again. */
export class SpoolCapacity {
  private readonly logger = new Logger('Spool');
  private readonly looking: NodeJS.Timeout;
  private used = 0;
  private onDisk = 0;
  private claimedSince = 0;
  private askedAt = -Infinity;
  /** Size of the largest value that did not fit since the spool is full. */
  private refusedBytes = PAGE_BYTES;
  private failed: string | undefined;
  private full = false;

  /**
   * @param freeOnDisk bytes that are free on its disk
   * @param askEveryMs how long such an answer holds
   */
  constructor(
    private readonly limits: SpoolLimits,
    private readonly freeOnDisk: () => number,
    private readonly askEveryMs = ASK_DISK_EVERY_MS,
  ) {
    this.looking = setInterval(() => {
      this.look();
    }, LOOK_EVERY_MS).unref();
    this.look();
  }

  /** In bytes of whole pages. */
  get usedBytes(): number {
    return this.used;
  }

  /** What it can still take, in bytes, by its limit and by its disk. */
  get freeBytes(): number {
    const { maxBytes, minFreeBytes } = this.limits;
    return Math.max(0, Math.min(maxBytes - this.used, this.askDisk() - this.claimedSince - minFreeBytes));
  }

  /** Whether it takes no more at the moment. */
  get isFull(): boolean {
    this.look();
    return this.full;
  }

  /**
   * Takes room for a value of `bytes`.
   * @throws TransportUnavailableError when there is none
   */
  claim(bytes: number): void {
    const size = inPages(bytes);
    if (size > this.freeBytes) {
      this.refusedBytes = Math.max(this.refusedBytes, size);
      this.look();
      throw new TransportUnavailableError(this.lack());
    }
    this.claimedSince += size;
    this.used += size;
  }

  /** Takes the room that a value has which is there already. */
  occupy(bytes: number): void {
    this.used += inPages(bytes);
  }

  release(bytes: number): void {
    this.used -= inPages(bytes);
  }

  /** @param reason why the disk did not take a write; undefined when it did */
  wrote(reason?: string): void {
    this.failed = reason;
    if (reason !== undefined || this.full) this.look();
  }

  close(): void {
    clearInterval(this.looking);
  }

  private look(): void {
    // What did not fit has to fit twice, so that sizes around the limit do not fill the log.
    const needed = this.full ? Math.min(2 * this.refusedBytes, this.limits.maxBytes) : this.refusedBytes;
    const isFull = this.failed !== undefined || this.freeBytes < needed;
    if (isFull === this.full) return;
    this.full = isFull;
    if (isFull) this.logger.error(`The spool takes no more batches: ${this.lack()}`);
    else {
      this.refusedBytes = PAGE_BYTES;
      this.logger.log('The spool takes batches again.');
    }
  }

  private lack(): string {
    const { maxBytes, minFreeBytes } = this.limits;
    if (this.failed !== undefined) return this.failed;
    return maxBytes - this.used <= this.freeBytes
      ? `the spool holds ${this.used} of at most ${maxBytes} bytes. Raise SPOOL_MAX_BYTES, or see why the queue takes none.`
      : `the spool's disk has less than ${minFreeBytes} bytes left. Make room on it, or lower SPOOL_MIN_FREE_BYTES.`;
  }

  private askDisk(): number {
    const now = performance.now();
    if (now - this.askedAt >= this.askEveryMs) {
      this.onDisk = this.freeOnDisk();
      this.claimedSince = 0;
      this.askedAt = now;
    }
    return this.onDisk;
  }
}

/** Bytes that are free on the disk of a folder. */
export function freeOnDiskOf(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

function inPages(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
}
