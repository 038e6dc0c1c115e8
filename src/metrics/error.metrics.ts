import { Injectable } from '@nestjs/common';
import { Counter, Registry } from 'prom-client';

/** How many of the errors that tenants' events met are kept for their operators to read. */
@Injectable()
export class ErrorMetrics {
  private readonly kept: Counter;
  private readonly unkept: Counter;

  constructor(registry: Registry) {
    const registers = [registry];
    this.kept = new Counter({
      name: 'segops_errors_recorded_total',
      help: 'Errors that were recorded each for itself.',
      registers,
    });
    this.unkept = new Counter({
      name: 'segops_errors_suppressed_total',
      help: 'Errors of which only their number is recorded: a tenant had too many in a minute, or the queue was away too long.',
      registers,
    });
  }

  recorded(): void {
    this.kept.inc();
  }

  suppressed(count: number): void {
    this.unkept.inc(count);
  }
}
