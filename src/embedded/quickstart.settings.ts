import { join, resolve } from 'node:path';
import { ClickHouseError } from '@clickhouse/client';
import { Redis } from 'ioredis';
import { errorCodeOf } from '../common/operator.error.js';
import { TRANSPORT_NAMES, type TransportName } from '../config/configuration.js';
import { loadEnvFile } from '../config/load-configuration.js';
import { redisClusterNodes } from '../config/setting.decorators.js';
import { createClickHouseClient } from '../warehouse/clickhouse.client.js';
import { freePort } from './ports.js';

export interface QuickstartSettings {
  readonly port: number;
  /** Absolute. */
  readonly dataDir: string;
  /** As the operator wrote it, for messages. */
  readonly shownDataDir: string;
  readonly transport: TransportName;
  /** The operator's own servers, instead of embedded ones. */
  readonly redisUrl: string | undefined;
  readonly clickHouseUrl: string | undefined;
  /** `host:port` of a Pub/Sub emulator, and the project of Google's service, for TRANSPORT=pubsub. */
  readonly pubSubEmulatorHost: string | undefined;
  readonly pubSubProject: string | undefined;
}

/** @throws Error that names the variable and the fix */
export async function readQuickstartSettings(): Promise<QuickstartSettings> {
  loadEnvFile();
  const port = Number(setting('PORT') ?? 8000);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error('PORT must be a whole number from 0 to 65535. Example: PORT=8000');
  }
  const dataDir = setting('DATA_DIR') ?? '.data';
  const transport = setting('TRANSPORT') ?? 'bullmq';
  if (!isTransportName(transport)) {
    throw new Error(`TRANSPORT must be one of: ${TRANSPORT_NAMES.join(', ')}. Example: TRANSPORT=spool`);
  }
  return {
    port: port === 0 ? await freePort() : port,
    dataDir: resolve(dataDir),
    shownDataDir: join(dataDir),
    transport,
    redisUrl: setting('REDIS_URL'),
    clickHouseUrl: setting('CLICKHOUSE_URL'),
    pubSubEmulatorHost: setting('PUBSUB_EMULATOR_HOST'),
    pubSubProject: setting('PUBSUB_PROJECT'),
  };
}

function isTransportName(name: string): name is TransportName {
  return TRANSPORT_NAMES.some((known) => known === name);
}

function setting(name: string): string | undefined {
  const value = process.env[name]?.trim();
  return value === '' ? undefined : value;
}

const ANSWER_WITHIN_MS = 5_000;

/**
 * Checks the operator's own servers, for which the service would wait without an end.
 * @throws Error that names the variable and the fix, when one does not answer
 */
export async function requireServers(urls: {
  redisUrl?: string | undefined;
  clickHouseUrl?: string | undefined;
}): Promise<void> {
  await Promise.all([
    urls.redisUrl === undefined ? undefined : required('Redis', 'REDIS_URL', pingRedis(urls.redisUrl)),
    urls.clickHouseUrl === undefined
      ? undefined
      : required('ClickHouse', 'CLICKHOUSE_URL', pingClickHouse(urls.clickHouseUrl)),
  ]);
}

async function required(name: string, variable: string, answer: Promise<void>): Promise<void> {
  try {
    await answer;
  } catch (error) {
    throw new Error(
      `${name} does not answer at ${variable} (${reasonOf(error)}). Start it and check ${variable}, or remove ${variable} from ` +
        `the environment and from .env to have ${name} started here.`,
      { cause: error },
    );
  }
}

async function pingRedis(url: string): Promise<void> {
  const redis = new Redis(redisClusterNodes(url)?.[0] ?? url, {
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: ANSWER_WITHIN_MS,
    commandTimeout: ANSWER_WITHIN_MS,
  });
  let problem: unknown;
  redis.on('error', (error) => (problem = error));
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    throw problem ?? error;
  } finally {
    redis.disconnect();
  }
}

async function pingClickHouse(url: string): Promise<void> {
  const client = createClickHouseClient(url, 1);
  try {
    await client.command({ query: 'SELECT 1', abort_signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  } catch (error) {
    // The service creates the database.
    if (!(error instanceof ClickHouseError && error.type === 'UNKNOWN_DATABASE')) throw error;
  } finally {
    await client.close();
  }
}

/** Of Redis's answers the first word, such as NOAUTH. */
function reasonOf(error: unknown): string {
  if (error instanceof ClickHouseError) return error.type ?? error.code;
  return errorCodeOf(error) ?? /^[A-Z]+(?= )/.exec(error instanceof Error ? error.message : '')?.[0] ?? 'no answer';
}
