import { RunningDeployment } from '../deployment/running.deployment.js';
import type { Figure } from '../figure.js';
import { median } from '../measure/median.js';

const STARTS = 5;

/** How long a process that takes requests needs from its spawn until it says that it is ready, with its data and files at hand. */
export const start: Figure = {
  name: 'start',
  runs: 'default',
  perTransport: true,
  measure: (context) =>
    RunningDeployment.during(context, { postgres: true }, async (deployment) => {
      const name = deployment.services.find((service) => service.name !== 'worker')?.name ?? 'api';
      const api = deployment.part(name);
      const seconds: number[] = [];
      for (let i = 0; i < STARTS; i++) {
        await api.stop();
        const startedAt = performance.now();
        await api.start();
        seconds.push((performance.now() - startedAt) / 1_000);
      }
      return {
        measurements: [
          { what: `start of ${name}, warm, to ready`, value: median(seconds), unit: 's', bar: { atMost: 1.5 } },
        ],
      };
    }),
};
