import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { withDeadline } from '../common/deadline.js';
import { batchSpanIds } from './tracer.js';

/** The exporter would try for 10 s, of the 25 s that the whole shutdown has. */
const STOP_WITHIN_MS = 3_000;

export interface RunningTraces {
  /** Sends what has not been sent, within 3 s. Never rejects: a collector that is away loses spans, and nothing else. */
  stop(): Promise<void>;
}

/**
 * Sends the process's spans to the collector at `url`, in the background. Loaded only where traces are on, as it takes
 * memory and time. What OpenTelemetry's SDK reads from the environment besides (`OTEL_SERVICE_NAME`,
 * `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER`, `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_BSP_…`) holds.
 */
export function startTracing(url: string, role: string): RunningTraces {
  const provider = new BasicTracerProvider({
    // Of two that name the same attribute the later one has the say.
    resource: resourceFromAttributes({ 'service.name': 'segops-ingestion', 'segops.role': role }).merge(
      detectResources({ detectors: [envDetector] }),
    ),
    idGenerator: batchSpanIds,
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url }))],
  });
  const contexts = new AsyncLocalStorageContextManager().enable();
  context.setGlobalContextManager(contexts);
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  return {
    stop: async () => {
      await withDeadline(provider.shutdown(), STOP_WITHIN_MS, () => new Error('timeout')).catch(() => undefined);
      trace.disable();
      propagation.disable();
      context.disable();
    },
  };
}
