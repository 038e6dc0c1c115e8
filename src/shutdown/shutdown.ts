import { Injectable, Logger, Module, type OnModuleDestroy } from '@nestjs/common';
import { describeError } from '../common/operator.error.js';
import { Configuration } from '../config/configuration.js';

/** One step of a shutdown. */
export interface ShutdownStep {
  /** What the process does in it, as the log tells when it takes too long. */
  readonly doing: string;
  /**
   * Resolves when the step is done; the next one begins then, also after an exception.
   * @param remainingMs what is left of the time for the whole shutdown, in ms
   */
  run(remainingMs: number): Promise<unknown>;
}

/**
 * Carries out the steps of `shutdown.plan.ts`, one after the other and once, however often it is asked. It does so in the first
 * hook of Nest's own shutdown, so that `app.close()` ends the service in the same order whoever calls it: a signal, or a test.
 */
@Injectable()
export class Shutdown implements OnModuleDestroy {
  private readonly logger = new Logger(Shutdown.name);
  private readonly controller = new AbortController();
  private steps: readonly ShutdownStep[] = [];
  private running: Promise<void> | undefined;
  private current = 'starting to stop';

  constructor(private readonly configuration: Configuration) {}

  /** Aborted when the shutdown begins, before its first step. */
  get begun(): AbortSignal {
    return this.controller.signal;
  }

  /** What the process is busy with, for the log. */
  get doing(): string {
    return this.current;
  }

  /** Sets the steps. Called once, before the service starts. */
  follow(steps: readonly ShutdownStep[]): void {
    this.steps = steps;
  }

  /** Resolves when all steps are done. What is left to Nest then is to let go of connections. */
  onModuleDestroy(): Promise<void> {
    this.running ??= this.run();
    return this.running;
  }

  private async run(): Promise<void> {
    const deadline = Date.now() + this.configuration.shutdownTimeoutMs;
    this.controller.abort();
    for (const step of this.steps) {
      this.current = step.doing;
      try {
        await step.run(Math.max(0, deadline - Date.now()));
      } catch (error) {
        this.logger.error({ message: `Failed while ${step.doing}`, error: describeError(error) });
      }
    }
    this.current = 'letting go of connections';
  }
}

@Module({ providers: [Shutdown] })
export class ShutdownModule {}
