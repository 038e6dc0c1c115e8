import { Injectable, ServiceUnavailableException } from '@nestjs/common';
import { HealthCheckService, type HealthCheckResult } from '@nestjs/terminus';
import { EventTransport } from '../transport/event-transport.js';
import { ClickHouseHealth } from './clickhouse.health.js';
import { QueueHealth } from './queue.health.js';
import { WorkerHealth } from './worker.health.js';

export interface HealthReport {
  readonly healthy: boolean;
  /** By part: `ok`, or a short word for what is wrong. */
  readonly parts: Readonly<Record<string, string>>;
}

/** Monitors of many kinds ask at once and often; what they hear is this old at most. */
const SHARED_FOR_MS = 1_000;

/** The state of everything an event passes through, for people and monitors. */
@Injectable()
export class HealthService {
  private latest: Promise<HealthReport> | undefined;

  constructor(
    private readonly terminus: HealthCheckService,
    private readonly transport: EventTransport,
    private readonly queue: QueueHealth,
    private readonly worker: WorkerHealth,
    private readonly clickhouse: ClickHouseHealth,
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
    const state = this.transport.status();
    // Each part says what a failure means to it.
    state.catch(() => undefined);
    try {
      return await this.terminus.check([
        () => this.queue.check(state),
        () => this.queue.checkSpool(),
        () => this.worker.check(state),
        () => this.clickhouse.check(),
      ]);
    } catch (error) {
      if (error instanceof ServiceUnavailableException) {
        return error.getResponse() as HealthCheckResult;
      }
      throw error;
    }
  }
}
