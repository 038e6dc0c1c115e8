import { join } from 'node:path';
import { ClickHouseServer } from '../../src/embedded/clickhouse.server.js';
import { seedKey } from '../support/service.process.js';
import type { Deployment, DeploymentOptions } from './deployment.js';
import { freePorts } from './free-ports.js';
import { ServerPart } from './server.part.js';
import { ServicePart } from './service.part.js';

/** ClickHouse, and one process that takes events, keeps them in its spool and stores them. No Redis. */
export async function deploySpool({ folder, settings }: DeploymentOptions): Promise<Deployment> {
  const portOf = await freePorts('clickhouse', 'all', 'metrics');
  const clickhouseUrl = `http://127.0.0.1:${portOf('clickhouse')}`;
  const environment = {
    TRANSPORT: 'spool',
    ROLE: 'all',
    DATA_DIR: join(folder, 'all'),
    CLICKHOUSE_URL: clickhouseUrl,
    METRICS_PORT: String(portOf('metrics')),
    LOG_LEVEL: 'warn',
    ...settings,
  };
  const all = new ServicePart('all', environment, portOf('all'));
  return {
    parts: [
      new ServerPart('clickhouse', () =>
        ClickHouseServer.start({ dataDir: join(folder, 'clickhouse'), port: portOf('clickhouse') }),
      ),
      all,
    ],
    apiUrls: [all.url],
    metricsUrls: [`http://127.0.0.1:${portOf('metrics')}/metrics`],
    clickhouseUrl,
    seedKey: () => seedKey(environment),
    remove: () => Promise.resolve(),
  };
}
