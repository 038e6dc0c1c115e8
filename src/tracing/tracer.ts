import { randomBytes } from 'node:crypto';
import { trace, type Tracer } from '@opentelemetry/api';

/** Does nothing, at next to no cost, until `startTracing` was called. */
export const tracer = (): Tracer => trace.getTracer('segops-ingestion');

interface SpanIds {
  readonly traceId: string;
  readonly spanId: string;
}

/**
 * The ids of spans: random, but for the first span of a batch, whose ids follow from the batch's. Shared by the process, as
 * OpenTelemetry's tracer provider is, which asks it for the ids of each new span.
 */
class BatchSpanIds {
  private next: SpanIds | undefined;

  /** A batch's id is 16 bytes, as a trace's; its last 8, which are random, are the span's. */
  of(batchId: string): SpanIds {
    const traceId = batchId.replaceAll('-', '');
    return { traceId, spanId: traceId.slice(16) };
  }

  /** Runs `start`, which starts a span without parent: the first one of this batch. */
  ofNext<T>(batchId: string, start: () => T): T {
    this.next = this.of(batchId);
    try {
      return start();
    } finally {
      this.next = undefined;
    }
  }

  generateTraceId(): string {
    return this.next?.traceId ?? randomBytes(16).toString('hex');
  }

  generateSpanId(): string {
    return this.next?.spanId ?? randomBytes(8).toString('hex');
  }
}

export const batchSpanIds = new BatchSpanIds();
