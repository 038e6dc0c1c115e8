import { statfsSync } from 'node:fs';
import { TransportUnavailableError } from '../event-transport.js';

/** LMDB keeps a value of more than half a page in pages of its own. */
const PAGE_BYTES = 4096;
/** How long an answer about the disk holds; what is claimed meanwhile is counted on top. */
const ASK_DISK_EVERY_MS = 250;

export interface SpoolLimits {
  /** What the spool may hold, in bytes. */
  readonly maxBytes: number;
  /** What must stay free on its disk, in bytes: other programs need it, and LMDB must never meet a full one. */
  readonly minFreeBytes: number;
}

/** How much a spool holds, and whether more may come. */
export class SpoolRoom {
  private used = 0;
  private freeBytes = 0;
  private claimedSince = 0;
  private askedAt = -Infinity;

  constructor(
    private readonly folder: string,
    private readonly limits: SpoolLimits,
  ) {}

  /** In bytes of whole pages. */
  get usedBytes(): number {
    return this.used;
  }

  /**
   * Takes room for a value of `bytes`.
   * @throws TransportUnavailableError when there is none
   */
  claim(bytes: number): void {
    const size = inPages(bytes);
    const { maxBytes, minFreeBytes } = this.limits;
    if (this.used + size > maxBytes) {
      throw new TransportUnavailableError(`the spool holds ${this.used} of at most ${maxBytes} bytes`);
    }
    const free = this.free() - this.claimedSince - size;
    if (free < minFreeBytes) {
      throw new TransportUnavailableError(`the spool's disk has less than ${minFreeBytes} bytes left`);
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

  private free(): number {
    const now = performance.now();
    if (now - this.askedAt > ASK_DISK_EVERY_MS) {
      const { bavail, bsize } = statfsSync(this.folder);
      this.freeBytes = bavail * bsize;
      this.claimedSince = 0;
      this.askedAt = now;
    }
    return this.freeBytes;
  }
}

function inPages(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
}
