import { Injectable } from '@nestjs/common';
import { uuid7Time } from '../common/uuid7.js';
import type { EventBatch } from '../transport/event-batch.js';
import { LagStore } from '../warehouse/lag.store.js';

/** Every insert costs ClickHouse a part, and nobody reads the lag faster. */
const STORE_EVERY_MS = 2_000;

/** Records how long events were on their way. It is a figure and not an event: what ClickHouse does not take is lost. */
@Injectable()
export class LagRecorder {
  private readonly eventsByLag = new Map<number, number>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly store: LagStore) {}

  /** Takes note of a batch that was committed just now. Never waits and never throws. */
  stored({ id, events }: EventBatch): void {
    // The clock of the machine that accepted it may be ahead.
    const lagMs = rounded(Math.max(0, Date.now() - uuid7Time(id)));
    this.eventsByLag.set(lagMs, (this.eventsByLag.get(lagMs) ?? 0) + events);
    this.timer ??= setTimeout(() => void this.flush(), STORE_EVERY_MS).unref();
  }

  /** Ends the recording. */
  close(): void {
    clearTimeout(this.timer);
  }

  private async flush(): Promise<void> {
    this.timer = undefined;
    const lags = Array.from(this.eventsByLag, ([lagMs, events]) => ({ lagMs, events }));
    this.eventsByLag.clear();
    await this.store.add(lags).catch(() => undefined);
  }
}

/** To two digits, so that two seconds of batches are a few hundred rows at most. */
function rounded(lagMs: number): number {
  return Number(lagMs.toPrecision(2));
}
