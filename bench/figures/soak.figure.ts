import { RunningDeployment } from '../deployment/running.deployment.js';
import type { Figure, Measurement } from '../figure.js';
import { LoadProcess } from '../load/load.process.js';
import type { Counted } from '../measure/cpu.shares.js';
import { residentMbOf } from '../measure/memory.js';
import { steadyLoad } from './steady.load.js';

const MINUTES = 10;
const SHORT_SECONDS = 30;
/** In which heaps reach the size that the load needs. */
const WARM_UP_SECONDS = 30;
const SHORT_WARM_UP_SECONDS = 15;
const LOOK_EVERY_MS = 1_000;
const EVENTS_A_REQUEST = 500;

/** What the service's processes hold in memory while 20,000 events a second go through for a long time. */
export const soak: Figure = {
  name: 'soak',
  runs: 'default',
  perTransport: true,
  async measure(context) {
    const seconds = context.full ? MINUTES * 60 : SHORT_SECONDS;
    const load = await LoadProcess.start();
    try {
      return await RunningDeployment.during(context, { postgres: true }, async (deployment) => {
        const { apiUrls: urls, key, services } = deployment;
        const steady = { urls, key, events: EVENTS_A_REQUEST };
        const warmUp = await load.run(steadyLoad(steady, context.full ? WARM_UP_SECONDS : SHORT_WARM_UP_SECONDS));
        const memory = new MemorySamples(services);
        const report = await load.run(steadyLoad(steady, seconds)).finally(() => {
          memory.stop();
        });
        await deployment.requireStored(warmUp.acceptedEvents + report.acceptedEvents);
        return { measurements: services.flatMap(({ name }) => memory.measurementsOf(name, seconds, context.full)) };
      });
    } finally {
      load.stop();
    }
  },
};

/** The resident memory of processes, once a second. */
class MemorySamples {
  private readonly samples = new Map<string, number[]>();
  private readonly timer: NodeJS.Timeout;

  constructor(processes: readonly Counted[]) {
    this.timer = setInterval(() => {
      for (const { name, pid } of processes) {
        this.samples.set(name, [...(this.samples.get(name) ?? []), residentMbOf(pid)]);
      }
    }, LOOK_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** The end beside the start: each the mean of a tenth of the time, so that one garbage collection decides nothing. */
  measurementsOf(name: string, seconds: number, full: boolean): Measurement[] {
    const samples = this.samples.get(name) ?? [];
    const tenth = Math.max(1, Math.floor(samples.length / 10));
    const note = full ? undefined : 'a short soak; ten minutes: npm run bench -- --only soak --full';
    return [
      {
        what: `memory of ${name}, end of ${seconds} s at 20,000 events/s`,
        value: mean(samples.slice(-tenth)),
        unit: 'MB',
        baseline: mean(samples.slice(0, tenth)),
        bar: { ratioAtMost: 1.1 },
        ...(note === undefined ? {} : { note }),
      },
      {
        what: `memory of ${name}, most in ${seconds} s`,
        value: Math.max(...samples),
        unit: 'MB',
        bar: { atMost: 250 },
      },
    ];
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
