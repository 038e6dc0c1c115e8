import type { LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import { AllowedMethods } from './common/allowed-methods.js';
import { ApiExceptionFilter } from './common/api-exception.filter.js';
import { createHttpAdapter } from './common/http.adapter.js';
import type { Configuration } from './config/configuration.js';
import { EventTransport } from './transport/event-transport.js';
import { EventTransportServer } from './transport/event-transport.server.js';

/** Makes the service as it runs in production, not started yet. Used by `main.ts` and by every end-to-end test. */
export async function createApplication(
  configuration: Configuration,
  logger: LoggerService,
): Promise<NestFastifyApplication> {
  const adapter = await createHttpAdapter(configuration.maxBodyBytes);
  const allowedMethods = new AllowedMethods(adapter.getInstance());
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.forRoot(configuration), adapter, {
    bodyParser: false,
    abortOnError: false,
    logger,
  });
  app.useGlobalFilters(new ApiExceptionFilter(allowedMethods, configuration.maxBodyBytes));
  if (configuration.role !== 'api') {
    app.connectMicroservice({
      strategy: new EventTransportServer(app.get(EventTransport), { concurrency: configuration.workerConcurrency }),
    });
  }
  return app;
}
