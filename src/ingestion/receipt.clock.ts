import { Injectable, Logger, Optional } from '@nestjs/common';

/** Of a clock that is set back further than this, the time of before would be wrong for too long. */
const WAITS_FOR_CLOCK_US = 60_000_000;

/**
 * The time of receipt in µs since 1970. No two events of a process get the same one, and it does not run back: of two events
 * with the same `occurred_at`, the one with the later receipt is the later one. When the clock is set back by up to a minute,
 * events get the time of before until it has caught up; when it is set back further, they get its time.
 */
@Injectable()
export class ReceiptClock {
  private readonly logger = new Logger(ReceiptClock.name);
  private last = 0;

  /** @param now the time of day in ms */
  constructor(@Optional() private readonly now: () => number = () => Date.now()) {}

  next(): number {
    const now = this.now() * 1000;
    if (this.last - now > WAITS_FOR_CLOCK_US) {
      const seconds = Math.round((this.last - now) / 1_000_000);
      this.logger.warn(
        `The clock was set back by ${seconds} s. Events are dated by it, before events that came earlier.`,
      );
      this.last = now;
      return now;
    }
    this.last = Math.max(now, this.last + 1);
    return this.last;
  }
}
