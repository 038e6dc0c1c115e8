import { Inject, Injectable, ServiceUnavailableException } from '@nestjs/common';
import {
  type HealthCheckResult,
  HealthCheckService,
  type HealthIndicatorResult,
  HealthIndicatorService,
} from '@nestjs/terminus';
import { EventTransport, type TransportStatus } from '../transport/event-transport.js';
import { Spool } from '../transport/spool/spool.js';
import { Warehouse } from '../warehouse/warehouse.js';

export interface HealthReport {
  readonly healthy: boolean;
  /** By part: `ok`, or a short word for what is wrong. */
  readonly parts: Readonly<Record<string, string>>;
}

/** Monitors of many kinds ask at once and often; what they hear is this old at most. */
const SHARED_FOR_MS = 1_000;
/** A batch is stored in well under a second; one that waits this long while none is finished is not being worked on. */
const STALLED_AFTER_MS = 10_000;
const CLICKHOUSE_DEADLINE_MS = 2_000;

/** The state of everything an event passes through, for people and monitors. */
@Injectable()
export class HealthService {
  private latest: Promise<HealthReport> | undefined;

  constructor(
    private readonly terminus: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly transport: EventTransport,
    @Inject(Spool) private readonly spool: Spool | null,
    private readonly warehouse: Warehouse,
  ) {}

  /** One check for all who ask within a second of it. */
  report(): Promise<HealthReport> {
    this.latest ??= this.examine().finally(() => {
      setTimeout(() => (this.latest = undefined), SHARED_FOR_MS).unref();
    });
    return this.latest;
  }

  private async examine(): Promise<HealthReport> {
    const { status, details } = await this.check();
    const parts = Object.entries(details).map(([part, result]) => [
      part,
      result.status === 'up' ? 'ok' : String(result['message'] ?? 'down'),
    ]);
    return { healthy: status === 'ok', parts: Object.fromEntries(parts) as Record<string, string> };
  }

  /** Terminus throws a result that is not ok; here that is an answer like any other. */
  private async check(): Promise<HealthCheckResult> {
    const status = this.transport.status();
    // Each part says what a failure means to it.
    status.catch(() => undefined);
    try {
      return await this.terminus.check([
        () => this.checkQueue(status),
        () => this.checkSpool(),
        () => this.checkWorker(status),
        () => this.checkClickHouse(),
      ]);
    } catch (error) {
      if (error instanceof ServiceUnavailableException) {
        return error.getResponse() as HealthCheckResult;
      }
      throw error;
    }
  }

  /** Whether the queue that events are published to takes them; `pubsub_topic` whichever transport it is. */
  private async checkQueue(status: Promise<TransportStatus>): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check('pubsub_topic');
    try {
      const { isRefusing, refusal } = await status;
      const word = isRefusing === true ? 'full' : refusal;
      return word === undefined ? indicator.up() : indicator.down(word);
    } catch {
      return indicator.down('down');
    }
  }

  /** Whether this process's own disk takes events while the queue does not; a part only where it does not. */
  private checkSpool(): HealthIndicatorResult {
    return this.spool?.store.isFull === true ? this.indicators.check('spool').down('full') : {};
  }

  /** Whether workers are alive and finish what is in the queue. */
  private async checkWorker(status: Promise<TransportStatus>): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check('worker');
    const state = await status.then(workerState, () => 'unknown' as const);
    return state === 'ok' ? indicator.up() : indicator.down(state);
  }

  /** Whether ClickHouse answers and has our tables. */
  private async checkClickHouse(): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check('clickhouse');
    return (await this.warehouse.ping(CLICKHOUSE_DEADLINE_MS)) ? indicator.up() : indicator.down('down');
  }
}

function workerState(status: TransportStatus): 'ok' | 'down' | 'stalled' | 'unknown' {
  // Workers report to where the batches are.
  if (status.consumers === undefined || status.refusal !== undefined) {
    return 'unknown';
  }
  if (status.consumers === 0) {
    return 'down';
  }
  const finishesNothing = (status.lastFinishedMsAgo ?? Infinity) > STALLED_AFTER_MS;
  return (status.oldestPendingMs ?? 0) > STALLED_AFTER_MS && finishesNothing ? 'stalled' : 'ok';
}
