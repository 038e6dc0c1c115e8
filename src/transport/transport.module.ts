import { Inject, Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Configuration } from '../config/configuration.js';
import { createTransport } from './create-transport.js';
import { EventTransport } from './event-transport.js';
import { adoptAbandoned } from './failover/adopt-abandoned.js';
import { Spool, spoolRoot } from './spool/spool.js';

/** The queue that `TRANSPORT` names, and the spool where this process has one. */
@Module({
  providers: [
    {
      provide: Spool,
      inject: [Configuration],
      useFactory: (configuration: Configuration) =>
        (configuration.transport === 'spool' ? Spool.openQueue(configuration) : Spool.openFailover(configuration)) ??
        null,
    },
    { provide: EventTransport, inject: [Configuration, Spool], useFactory: createTransport },
  ],
  exports: [EventTransport, Spool],
})
export class TransportModule implements OnModuleInit, OnApplicationShutdown {
  constructor(
    @Inject(EventTransport) private readonly transport: EventTransport,
    @Inject(Spool) private readonly spool: Spool | null,
    private readonly configuration: Configuration,
  ) {}

  async onModuleInit(): Promise<void> {
    if (this.spool !== null) await adoptAbandoned(spoolRoot(this.configuration), this.spool.store);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.transport.close();
    await this.spool?.close();
  }
}
