import { ClickHouseError } from '@clickhouse/client';
import { Redis } from 'ioredis';
import { errorCodeOf } from '../common/error-code.js';
import { redisClusterNodes } from '../config/setting.decorators.js';
import { createClickHouseClient } from '../warehouse/clickhouse.client.js';

const ANSWER_WITHIN_MS = 5_000;

/**
 * Asks the servers that the operator named instead of embedded ones. The service itself would start without them and wait.
 * @throws Error that names the variable and the fix, when one does not answer as it should
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
    // The service makes the database.
    if (!(error instanceof ClickHouseError && error.type === 'UNKNOWN_DATABASE')) throw error;
  } finally {
    await client.close();
  }
}

/** Of an answer of Redis the first word: NOAUTH, WRONGPASS. */
function reasonOf(error: unknown): string {
  if (error instanceof ClickHouseError) return error.type ?? error.code;
  return errorCodeOf(error) ?? /^[A-Z]+(?= )/.exec(error instanceof Error ? error.message : '')?.[0] ?? 'no answer';
}
