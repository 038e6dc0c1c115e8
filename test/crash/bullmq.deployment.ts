import { deployWithBroker } from './broker.deployment.js';
import type { Deployment, DeploymentOptions } from './deployment.js';

/** BullMQ, in the Redis that there is in any case. */
export function deployBullMq(options: DeploymentOptions): Promise<Deployment> {
  return deployWithBroker(options, {
    environment: { TRANSPORT: 'bullmq' },
    parts: [],
    stop: () => Promise.resolve(),
  });
}
