import { Injectable } from '@nestjs/common';

const WINDOW_MS = 60_000;
/**
 * To single out one of 500 rows takes nine splits, so this finds 66 of them a minute. When every row is refused it ends the
 * search after 1,200 inserts, which take ClickHouse about ten seconds of the minute.
 */
const SPLITS_A_WINDOW = 600;

/** How many splits this process may do, so that a flood of refused rows leaves ClickHouse free for the good ones. */
@Injectable()
export class SplitAllowance {
  private windowEnds = 0;
  private left = 0;

  /** @returns whether there was one left in this minute; it is used up then */
  take(): boolean {
    const now = performance.now();
    if (now >= this.windowEnds) {
      this.windowEnds = now + WINDOW_MS;
      this.left = SPLITS_A_WINDOW;
    }
    if (this.left === 0) {
      return false;
    }
    this.left--;
    return true;
  }
}
