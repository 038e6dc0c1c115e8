import { trace, type Tracer } from '@opentelemetry/api';

/** Does nothing, at next to no cost, until `startTracing` was called. */
export const tracer = (): Tracer => trace.getTracer('segops-ingestion');
