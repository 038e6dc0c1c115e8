import type { LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import { AllowedMethods, ApiExceptionFilter } from './common/api-exception.filter.js';
import { DtoPipe } from './common/dto.pipe.js';
import { createHttpAdapter } from './common/http.adapter.js';
import { logRequests } from './common/request.log.js';
import type { Configuration } from './config/configuration.js';
import { ApiDocument } from './docs/api.document.js';
import { BatchMetrics } from './metrics/worker.metrics.js';
import { RequestMetrics } from './metrics/api.metrics.js';
import { ObservedDelivery } from './processing/observed-delivery.js';
import { ConnectionDrain } from './shutdown/connection.drain.js';
import { Shutdown } from './shutdown/shutdown.js';
import { shutdownPlan } from './shutdown/shutdown.plan.js';
import { RequestRefusals } from './ingestion/request.refusals.js';
import { ControlPlaneFilter } from './tenants/control-plane.filter.js';
import { traceRequests } from './tracing/request.trace.js';
import { EventTransport } from './transport/event-transport.js';
import { EventTransportServer } from './transport/event-transport.server.js';

/** Makes the service as it runs in production, not started yet. Used by `main.ts` and by every end-to-end test. */
export async function createApplication(
  configuration: Configuration,
  logger: LoggerService,
): Promise<NestFastifyApplication> {
  const adapter = createHttpAdapter(configuration);
  const allowedMethods = new AllowedMethods(adapter.getInstance());
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.forRoot(configuration), adapter, {
    bodyParser: false,
    abortOnError: false,
    logger,
  });
  const fastify = adapter.getInstance();
  if (configuration.tracesUrl !== undefined) traceRequests(fastify);
  app.get(RequestMetrics).observe(fastify);
  if (['debug', 'trace'].includes(configuration.logLevel)) logRequests(fastify);
  app.useGlobalPipes(new DtoPipe());
  const refusals = configuration.role === 'worker' ? undefined : app.get(RequestRefusals);
  // The more special one comes last: Nest asks them from the end.
  app.useGlobalFilters(
    new ApiExceptionFilter(allowedMethods, (request, error) => refusals?.record(request, error)),
    new ControlPlaneFilter(allowedMethods),
  );
  if (configuration.role !== 'worker') {
    app.get(ApiDocument).describes(app);
  }
  const worker = configuration.role === 'api' ? undefined : workerOf(app, configuration);
  if (worker !== undefined) app.connectMicroservice({ strategy: worker });
  app.get(Shutdown).follow(shutdownPlan(app, { connections: new ConnectionDrain(adapter), worker }, configuration));
  return app;
}

function workerOf(app: NestFastifyApplication, { workerConcurrency }: Configuration): EventTransportServer {
  const deliveries = new ObservedDelivery(app.get(EventTransport), app.get(BatchMetrics));
  return new EventTransportServer(deliveries, { concurrency: workerConcurrency });
}
