import { Inject, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { Configuration } from '../config/configuration.js';
import type { RunningTraces } from './start-tracing.js';

/** Traces, where an endpoint for them is configured; stopped last, so that the spans of the shutdown are sent too. */
@Injectable()
class Traces implements OnApplicationShutdown {
  constructor(@Inject('RUNNING_TRACES') private readonly running: RunningTraces | undefined) {}

  async onApplicationShutdown(): Promise<void> {
    await this.running?.stop();
  }
}

@Module({
  providers: [
    {
      provide: 'RUNNING_TRACES',
      inject: [Configuration],
      useFactory: async ({ tracesUrl, role }: Configuration) =>
        tracesUrl === undefined ? undefined : (await import('./start-tracing.js')).startTracing(tracesUrl, role),
    },
    Traces,
  ],
})
export class TracingModule {}
