import { deployBullMq } from './bullmq.deployment.js';
import type { Deployment, DeploymentOptions } from './deployment.js';
import { deploySpool } from './spool.deployment.js';

/** What is put to the test, by transport. */
export const DEPLOYMENTS: Readonly<Record<'bullmq' | 'spool', (options: DeploymentOptions) => Promise<Deployment>>> = {
  bullmq: deployBullMq,
  spool: deploySpool,
};
