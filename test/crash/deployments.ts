import { deployBullMq } from './bullmq.deployment.js';
import type { Deployment, DeploymentOptions } from './deployment.js';
import { deployPubSub } from './pubsub.deployment.js';
import { deploySpool } from './spool.deployment.js';

/** What is put to the test, by transport. */
export const DEPLOYMENTS: Readonly<
  Record<'bullmq' | 'pubsub' | 'spool', (options: DeploymentOptions) => Promise<Deployment>>
> = {
  bullmq: deployBullMq,
  pubsub: deployPubSub,
  spool: deploySpool,
};
