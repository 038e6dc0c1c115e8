import {
  type Context,
  context,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
} from '@opentelemetry/api';
import { type EventBatch, EVENTS_V1 } from '../transport/event-batch.js';
import { batchSpanIds, tracer } from './tracer.js';

/*
 * A batch has a trace of its own: many requests share a batch, and a request's trace has one parent at most. Its trace id is
 * the batch's id and the id of its first span follows from that, so nothing has to travel through the queue, and whoever has
 * a batch's id, from a log line say, has its trace. The first span links to the spans of the requests.
 */

/** The request that is being served; undefined when traces are off. */
export function currentRequest(): SpanContext | undefined {
  return trace.getActiveSpan()?.spanContext();
}

/** Runs `publish` as the first span of the batch's trace. */
export async function tracePublish<T>(
  batch: EventBatch,
  requests: readonly SpanContext[],
  publish: () => Promise<T>,
): Promise<T> {
  const span = batchSpanIds.ofNext(batch.id, () =>
    tracer().startSpan('publish batch', {
      root: true,
      kind: SpanKind.PRODUCER,
      links: requests.map((request) => ({ context: request })),
      attributes: attributesOf(batch),
    }),
  );
  try {
    return await publish();
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
}

/** Runs `handle` as a span in the batch's trace: one for each delivery, with the name of its outcome. */
export async function traceDelivery<T>(
  batch: EventBatch,
  handle: () => Promise<T>,
  nameOf: (outcome: T) => string,
): Promise<T> {
  const { span, within } = startDelivery(batch);
  try {
    const outcome = await context.with(within, handle);
    span.setAttribute('segops.batch.outcome', nameOf(outcome));
    return outcome;
  } catch (error) {
    span.setAttribute('segops.batch.outcome', 'redelivered').setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
}

/** Notes an insert that has just ended, in the trace of the batch that is being processed: of several, the oldest. */
export function traceInsert(table: string, succeeded: boolean, durationMs: number): void {
  const endedAt = Date.now();
  const span = tracer().startSpan(`insert ${table}`, {
    kind: SpanKind.CLIENT,
    startTime: endedAt - durationMs,
    attributes: { 'db.system.name': 'clickhouse' },
  });
  if (!succeeded) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end(endedAt);
}

/** Batches of events were published in a span; others have theirs from here on. */
function startDelivery(batch: EventBatch): { readonly span: Span; readonly within: Context } {
  const name = `process ${batch.type}`;
  const options = { kind: SpanKind.CONSUMER, attributes: attributesOf(batch) };
  if (batch.type === EVENTS_V1) {
    const parent = trace.setSpanContext(ROOT_CONTEXT, firstSpanOf(batch.id));
    const span = tracer().startSpan(name, options, parent);
    return { span, within: trace.setSpan(parent, span) };
  }
  const span = batchSpanIds.ofNext(batch.id, () => tracer().startSpan(name, { ...options, root: true }));
  return { span, within: trace.setSpan(ROOT_CONTEXT, span) };
}

function firstSpanOf(batchId: string): SpanContext {
  return { ...batchSpanIds.of(batchId), traceFlags: TraceFlags.SAMPLED, isRemote: true };
}

function attributesOf({ id, events }: EventBatch) {
  return { 'segops.batch.id': id, 'segops.batch.events': events };
}
