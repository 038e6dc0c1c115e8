import { Injectable, Logger } from '@nestjs/common';
import { ErrorMetrics } from '../metrics/api.metrics.js';
import { EventTransport } from '../transport/event-transport.js';
import { encodeErrorRow } from '../warehouse/error.writer.js';
import { ErrorOutbox, type OutboxRow } from './error.outbox.js';
import { ErrorRate } from './error.rate.js';
import { type RecordedError, toErrorRow } from './recorded-error.js';

const MINUTE_MS = 60_000;

/**
 * Records what went wrong with tenants' events, by way of the queue. At most 100 errors of a type are kept for a tenant in a
 * minute, and one of a topic. Of the others, and of those that a queue which is away leaves no room for, one row a minute tells
 * the number.
 */
@Injectable()
export class ErrorRecorder {
  private readonly logger = new Logger(ErrorRecorder.name);
  private readonly rate = new ErrorRate();
  private readonly outbox: ErrorOutbox;
  private minute: NodeJS.Timeout | undefined;

  constructor(
    transport: EventTransport,
    private readonly metrics: ErrorMetrics,
  ) {
    this.outbox = new ErrorOutbox(transport, (row) => {
      this.rate.add(row);
      this.metrics.suppressed(row.count);
      this.startMinute();
    });
  }

  /** Takes note of an error. Never waits and never throws, so that a request is neither slowed nor failed by it. */
  record(error: RecordedError): void {
    this.startMinute();
    if (this.rate.admits(error)) {
      this.outbox.add(toOutboxRow(error, 1));
      this.metrics.recorded();
    } else {
      this.metrics.suppressed(1);
    }
  }

  /** Sends what waits to the queue, within 2 s. */
  async close(): Promise<void> {
    this.endMinute();
    await this.outbox.close();
  }

  private startMinute(): void {
    this.minute ??= setTimeout(() => {
      this.endMinute();
    }, MINUTE_MS).unref();
  }

  private endMinute(): void {
    clearTimeout(this.minute);
    this.minute = undefined;
    const { unkept, ofTenantsBeyond } = this.rate.next();
    for (const { count, ...kind } of unkept) {
      const alike = kind.topic === undefined ? 'of this type' : `of the topic ${kind.topic}`;
      const detail = `… and ${count.toLocaleString('en-US')} more ${alike} in the last minute`;
      this.outbox.add(toOutboxRow({ ...kind, ts: Date.now(), detail }, count));
    }
    if (ofTenantsBeyond > 0) {
      this.logger.warn(`Not recorded, as too many tenants had errors in the last minute: ${ofTenantsBeyond} errors.`);
    }
  }
}

function toOutboxRow(error: RecordedError, count: number): OutboxRow {
  const { tenantId, errorType, source, topic } = error;
  return { tenantId, errorType, source, topic, count, line: encodeErrorRow(toErrorRow(error)) };
}
