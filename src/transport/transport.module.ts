import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { Configuration } from '../config/configuration.js';
import type { TransportName } from '../config/transport-name.js';
import { BullMqTransport } from './bullmq/bullmq.transport.js';
import { EventTransport } from './event-transport.js';

const ADAPTERS: Readonly<Record<TransportName, (configuration: Configuration) => EventTransport>> = {
  bullmq: ({ redisUrl, queuePrefix, queueMaxBatches }) =>
    new BullMqTransport({ redisUrl, prefix: queuePrefix, maxBatches: queueMaxBatches }),
};

/** Chooses the adapter that `TRANSPORT` names. */
@Module({
  providers: [
    {
      provide: EventTransport,
      inject: [Configuration],
      useFactory: (configuration: Configuration) => ADAPTERS[configuration.transport](configuration),
    },
  ],
  exports: [EventTransport],
})
export class TransportModule implements OnApplicationShutdown {
  constructor(@Inject(EventTransport) private readonly transport: EventTransport) {}

  async onApplicationShutdown(): Promise<void> {
    await this.transport.close();
  }
}
