import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { Configuration } from '../config/configuration.js';
import { createTransport } from './create-transport.js';
import { EventTransport } from './event-transport.js';
import { Spool } from './spool/spool.js';

/** The queue that `TRANSPORT` names, and this process's spool where it has one. */
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
export class TransportModule implements OnApplicationShutdown {
  constructor(
    @Inject(EventTransport) private readonly transport: EventTransport,
    @Inject(Spool) private readonly spool: Spool | null,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await this.transport.close();
    await this.spool?.close();
  }
}
