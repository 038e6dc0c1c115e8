import { Injectable } from '@nestjs/common';

/**
 * The time of receipt in µs since 1970. No two events of a process get the same one, and it never runs back: of two
 * events with the same `occurred_at`, the one with the later receipt is the later one.
 */
@Injectable()
export class ReceiptClock {
  private last = 0;

  next(): number {
    this.last = Math.max(Date.now() * 1000, this.last + 1);
    return this.last;
  }
}
