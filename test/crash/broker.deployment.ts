import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { ClickHouseServer } from '../../src/embedded/clickhouse.server.js';
import { RedisServer } from '../../src/embedded/redis.server.js';
import { PostgresServer } from '../support/postgres.server.js';
import { seedKey } from '../support/service.process.js';
import type { Deployment, DeploymentOptions } from './deployment.js';
import { freePorts } from './free-ports.js';
import type { Part } from './part.js';
import { ServerPart } from './server.part.js';
import { ServicePart } from './service.part.js';

/** What differs between the brokers. */
export interface Broker {
  /** The settings that choose it. */
  readonly environment: Readonly<Record<string, string>>;
  /** What stands between it and the service, where it is not the Redis that there is in any case. */
  readonly parts: readonly Part[];
  /** Ends what is not a part. */
  stop(): Promise<void>;
}

/**
 * Redis, ClickHouse, one worker or several, and one API or several, beside a broker; with several APIs, or when it is wanted, there is a
 * PostgreSQL too, which is left in peace.
 */
export async function deployWithBroker(
  { folder, apis, workers = 1, settings, postgres: wantsPostgres = apis > 1 }: DeploymentOptions,
  broker: Broker,
): Promise<Deployment> {
  const names = namesOf('api', apis);
  const workerNames = namesOf('worker', workers);
  const portOf = await freePorts('redis', 'clickhouse', ...workerNames, ...names, ...names.map(metricsOf));
  const postgres = wantsPostgres ? await PostgresServer.start() : undefined;
  const clickhouseUrl = `http://127.0.0.1:${portOf('clickhouse')}`;
  const environment = {
    ...broker.environment,
    REDIS_URL: `redis://127.0.0.1:${portOf('redis')}`,
    CLICKHOUSE_URL: clickhouseUrl,
    LOG_LEVEL: 'warn',
    ...settings,
    ...(postgres === undefined ? {} : { DATABASE_URL: postgres.url, ENCRYPTION_KEY: randomBytes(32).toString('hex') }),
  };
  const services = names.map((name) => {
    const METRICS_PORT = String(portOf(metricsOf(name)));
    const own = { METRICS_PORT, DATA_DIR: join(folder, name), ROLE: 'api' };
    return new ServicePart(name, { ...environment, ...own }, portOf(name));
  });
  return {
    parts: [
      new ServerPart('redis', () => RedisServer.start({ dataDir: join(folder, 'redis'), port: portOf('redis') })),
      ...broker.parts,
      new ServerPart('clickhouse', () =>
        ClickHouseServer.start({ dataDir: join(folder, 'clickhouse'), port: portOf('clickhouse') }),
      ),
      ...workerNames.map(
        (name) => new ServicePart(name, { ...environment, DATA_DIR: join(folder, name), ROLE: 'worker' }, portOf(name)),
      ),
      ...services,
    ],
    apiUrls: services.map(({ url }) => url),
    metricsUrls: names.map((name) => `http://127.0.0.1:${portOf(metricsOf(name))}/metrics`),
    clickhouseUrl,
    seedKey: () => seedKey({ ...environment, DATA_DIR: join(folder, names[0] ?? 'api') }),
    remove: async () => {
      await postgres?.stop();
      await broker.stop();
    },
  };
}

function namesOf(role: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => (count === 1 ? role : `${role}-${i + 1}`));
}

function metricsOf(name: string): string {
  return `${name} metrics`;
}
