import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import type { TransportStatus } from '../transport/event-transport.js';

/** A batch is stored in well under a second; one that waits this long while none is finished is not being worked on. */
const STALLED_AFTER_MS = 10_000;

/** Whether workers are alive and finish what is in the queue. */
@Injectable()
export class WorkerHealth {
  constructor(private readonly indicators: HealthIndicatorService) {}

  async check(status: Promise<TransportStatus>): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check('worker');
    const state = await status.then(workerState, () => 'unknown' as const);
    return state === 'ok' ? indicator.up() : indicator.down(state);
  }
}

function workerState(status: TransportStatus): 'ok' | 'down' | 'stalled' | 'unknown' {
  // Signs of life are written to where batches are.
  if (status.consumers === undefined || status.refusal !== undefined) {
    return 'unknown';
  }
  if (status.consumers === 0) {
    return 'down';
  }
  const finishesNothing = (status.lastFinishedMsAgo ?? Infinity) > STALLED_AFTER_MS;
  return (status.oldestPendingMs ?? 0) > STALLED_AFTER_MS && finishesNothing ? 'stalled' : 'ok';
}
