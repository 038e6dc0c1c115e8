import { setTimeout as sleep } from 'node:timers/promises';
import type { INestApplication } from '@nestjs/common';
import type { Configuration } from '../config/configuration.js';
import { ErrorRecorder } from '../errors/error.recorder.js';
import { Readiness } from '../health/readiness.js';
import { Retries } from '../idempotency/retries.service.js';
import { GroupCommit } from '../ingestion/group-commit.js';
import { ComplianceProcessor } from '../processing/compliance.processor.js';
import { ErrorStorage } from '../processing/errors.processor.js';
import { EventsProcessor } from '../processing/events.processor.js';
import { LagRecorder } from '../processing/lag.recorder.js';
import { ApiKeyUsage } from '../tenants/api-key.usage.js';
import type { EventTransportServer } from '../transport/event-transport.server.js';
import type { ConnectionDrain } from './connection.drain.js';
import type { ShutdownStep } from './shutdown.js';

/** What a process has to end, beside what Nest knows. */
interface RunningParts {
  readonly connections: ConnectionDrain;
  /** None where the role stores nothing. */
  readonly worker: EventTransportServer | undefined;
}

/**
 * How a process ends: these steps, from top to bottom. A step may rely on those above it: when batches are handed back, no
 * request can bring new ones. After the last one nothing moves any more, and Nest's `onApplicationShutdown` lets every module
 * close the connections that it opened, in whatever order.
 *
 * No step may wait without a bound: one that waits for others takes half of the time that is left, so that those below it
 * still have their turn. When the whole takes longer than `SHUTDOWN_TIMEOUT_MS`, `endOnSignals` ends the process.
 */
export function shutdownPlan(
  app: INestApplication,
  { connections, worker }: RunningParts,
  { role, shutdownGraceMs }: Configuration,
): readonly ShutdownStep[] {
  const takesEvents = role !== 'worker';
  const notReady: ShutdownStep = {
    doing: 'turning unready',
    run: () => {
      app.get(Readiness).end();
      connections.begin();
      return Promise.resolve();
    },
  };
  // Load balancers learn later than this process that it ends: until then requests arrive, and are served.
  const grace: ShutdownStep = {
    doing: 'serving until load balancers have noticed',
    run: () => sleep(shutdownGraceMs),
  };
  // A request in flight waits for its group commit, so these are flushed by the same step.
  const stopAccepting: ShutdownStep = {
    doing: 'answering the requests in flight',
    run: (remainingMs) => connections.close(remainingMs / 2),
  };
  // What requests left behind in memory: commits whose clients hung up, answers that are out, errors for operators, the last use of keys.
  const flush: ShutdownStep = {
    doing: 'writing down what requests left',
    run: () =>
      Promise.all([
        app
          .get(GroupCommit)
          .settled()
          .then(() => app.get(Retries).settled()),
        app.get(ErrorRecorder).close(),
        app.get(ApiKeyUsage).write(),
      ]),
  };
  const finishBatches: ShutdownStep = {
    doing: 'finishing or handing back batches',
    run: async (remainingMs) => {
      // First take no more, then stop waiting for ClickHouse: the other way round each batch that is handed back would make
      // room for one more.
      const closed = worker?.close();
      for (const processor of [EventsProcessor, ErrorStorage, ComplianceProcessor]) {
        app.get<{ stopWaiting(insertsWithinMs: number): void }>(processor).stopWaiting(remainingMs / 2);
      }
      await closed;
      app.get(LagRecorder).close();
    },
  };
  return [
    notReady,
    ...(takesEvents ? [grace] : []),
    stopAccepting,
    ...(takesEvents ? [flush] : []),
    ...(worker === undefined ? [] : [finishBatches]),
  ];
}
