import { randomBytes } from 'node:crypto';

import { createClient } from '@clickhouse/client';

/** An empty database of the ClickHouse that the test run shares. */
export interface FreshDatabase {
  readonly name: string;
  /** As in CLICKHOUSE_URL: with the database as its path. */
  readonly url: string;
  readonly drop: () => Promise<void>;
}

/** Creates an empty database, so that specs do not see each other's tables. Drop it at the end. */
export async function freshClickHouseDatabase(): Promise<FreshDatabase> {
  const server = fromGlobalSetup('TEST_CLICKHOUSE_URL');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await run(server, `CREATE DATABASE ${name}`);
  return {
    name,
    url: new URL(`/${name}`, server).href,
    drop: () => run(server, `DROP DATABASE ${name} SYNC`),
  };
}

/** The Redis that the test run shares. Keep to keys that start with a prefix of `freshRedisPrefix()`. */
export function sharedRedisUrl(): string {
  return fromGlobalSetup('TEST_REDIS_URL');
}

/** A start of Redis keys that no other spec uses. */
export function freshRedisPrefix(): string {
  return `test-${randomBytes(6).toString('hex')}`;
}

async function run(url: string, query: string): Promise<void> {
  const client = createClient({ url });
  try {
    await client.command({ query });
  } finally {
    await client.close();
  }
}

export function fromGlobalSetup(variable: string): string {
  const url = process.env[variable];
  if (url === undefined)
    throw new Error(`${variable} is not set: run specs with jest, whose global setup starts the servers`);
  return url;
}
