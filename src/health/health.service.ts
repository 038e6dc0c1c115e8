import { Injectable, ServiceUnavailableException } from '@nestjs/common';
import { HealthCheckService, type HealthCheckResult } from '@nestjs/terminus';
import { ClickHouseHealth } from './clickhouse.health.js';
import { QueueHealth } from './queue.health.js';
import { WorkerHealth } from './worker.health.js';

export interface HealthReport {
  readonly healthy: boolean;
  /** By part: `ok`, or a short word for what is wrong. */
  readonly parts: Readonly<Record<string, string>>;
}

/** The state of everything an event passes through, for people and monitors. */
@Injectable()
export class HealthService {
  constructor(
    private readonly terminus: HealthCheckService,
    private readonly queue: QueueHealth,
    private readonly worker: WorkerHealth,
    private readonly clickhouse: ClickHouseHealth,
  ) {}

  async report(): Promise<HealthReport> {
    const { status, details } = await this.check();
    const parts = Object.entries(details).map(([part, result]) => [
      part,
      result.status === 'up' ? 'ok' : String(result['message'] ?? 'down'),
    ]);
    return { healthy: status === 'ok', parts: Object.fromEntries(parts) as Record<string, string> };
  }

  /** Terminus throws a result that is not ok; here that is an answer like any other. */
  private async check(): Promise<HealthCheckResult> {
    try {
      return await this.terminus.check([
        () => this.queue.check(),
        () => this.worker.check(),
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
