import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import type { LoggerService } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import request from 'supertest';
import { Tokens } from '../../src/auth/tokens/tokens.service.js';
import { createApplication } from '../../src/bootstrap.js';
import { loadConfiguration } from '../../src/config/load-configuration.js';
import { startWorker } from '../../src/processing/worker.start.js';
import { ApiKeys } from '../../src/tenants/api-keys.service.js';
import { ControlPlaneDatabase } from '../../src/tenants/control-plane.database.js';
import { users } from '../../src/tenants/schema.js';
import { createClickHouseClient } from '../../src/warehouse/clickhouse.client.js';
import { Tenants } from '../../src/tenants/tenants.service.js';
import { queueUnderTest } from './queue-under-test.js';
import { freshClickHouseDatabase } from './servers.js';
import { waitUntil } from './wait-until.js';
import { atEndOfWorker } from './worker.end.js';
import { freshControlPlane } from './control-plane.js';

/** The whole service in this process, with the pipes, guards and servers of production, on a database of its own. */
export interface TestService {
  readonly app: NestFastifyApplication;
  /** The database it stores to: one of its own, unless the test named another. */
  readonly clickhouse: ClickHouseClient;
  readonly url: string;
  /** A new tenant with a secret key, and requests made with that key. */
  createTenant(): Promise<TestTenant>;
  stop(): Promise<void>;
}

export interface TestTenant {
  readonly tenantId: string;
  /** A secret key. */
  readonly key: string;
  /** An access token of somebody who works for the tenant. */
  readonly userToken: string;
  post(path: string, body?: string | object | Buffer, headers?: Record<string, string>): request.Test;
  /** Its stored events, as ClickHouse has them, in order of receipt; waits until there are `count`. */
  storedEvents(count: number, options?: { timeoutMs: number }): Promise<StoredEvent[]>;
}

export interface StoredEvent {
  readonly tenant_id: string;
  readonly id: string;
  readonly user_id: string;
  readonly event_type: string;
  readonly anonymous_id: string;
  readonly event_id: string;
  readonly occurred_at: string;
  readonly received_at: string;
  readonly payload: string;
}

const silent = { log() {}, error() {}, warn() {}, debug() {}, verbose() {}, fatal() {} };
let tenants = 0;
let shared: Promise<TestService> | undefined;
/** For `test/jest/node.environment.cjs`. */
const worker = globalThis as { sharedService?: () => Promise<void> };

/** The service with the test's own settings, for all specs of a worker: it starts once, and ends with the worker. */
export function sharedService(): Promise<TestService> {
  if (shared === undefined) {
    shared = startService();
    worker.sharedService = stopSharedService;
    atEndOfWorker(stopSharedService);
  }
  return shared;
}

async function stopSharedService(): Promise<void> {
  const service = shared;
  shared = undefined;
  await (await service)?.stop();
}

/**
 * @param environment settings that differ from the test's own
 * @param options `withoutWarehouse`: do not wait until the worker has prepared ClickHouse's tables; `logger`: gets
 * its log, which otherwise nobody does
 */
export async function startService(
  environment: Record<string, string> = {},
  options: { withoutWarehouse?: boolean; logger?: LoggerService } = {},
): Promise<TestService> {
  const database = await freshClickHouseDatabase();
  const dataDir = await mkdtemp(join(tmpdir(), 'segops-data-'));
  // A test that names a folder or a database says by that where its control plane is.
  const isNamed = 'DATA_DIR' in environment || 'DATABASE_URL' in environment;
  const controlPlane = isNamed ? undefined : await freshControlPlane(dataDir);
  const configuration = loadConfiguration({
    ROLE: 'all',
    ...(await queueUnderTest(environment)),
    CLICKHOUSE_URL: database.url,
    DATA_DIR: dataDir,
    SHUTDOWN_GRACE_MS: '0',
    ...controlPlane?.environment,
    ...environment,
  });
  const app = await createApplication(configuration, options.logger ?? silent);
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const stopping = new AbortController();
  const working = configuration.role === 'api' ? Promise.resolve() : startWorker(app, stopping.signal);
  if (options.withoutWarehouse !== true) await working;
  // The first connection to Redis is made in the background.
  await waitUntil(async () => {
    const { body } = await request(url).get('/api/ingestion/health/');
    return (body as Record<string, string>)['pubsub_topic'] === 'ok';
  });
  const clickhouse = createClickHouseClient(configuration.clickhouseUrl, 4);

  const createTenant = async (): Promise<TestTenant> => {
    const tenantId = `tenant-${++tenants}`;
    await app.get(Tenants).create({ slug: tenantId, name: tenantId, plan: 'enterprise' });
    const { key } = await app.get(ApiKeys).create({ tenantId, name: 'test', type: 'secret', mode: 'test' });
    // Not by way of `Users`, which would take its time to hash a password that nobody needs.
    const user = { id: randomUUID(), passwordHash: 'no password has it' };
    const { db } = app.get(ControlPlaneDatabase);
    await db.insert(users).values({ ...user, tenantSlug: tenantId, email: `${tenantId}@example.com` });
    const userToken = await app.get(Tokens).issueAccessToken({ ...user, tenantId });
    return {
      tenantId,
      key,
      userToken,
      post: (path, body, headers = {}) => {
        const call = request(url)
          .post(path)
          .set({ authorization: `ApiKey ${key}`, 'content-type': 'application/json', ...headers });
        // Bytes as they are: superagent would turn a Buffer into JSON.
        return Buffer.isBuffer(body)
          ? call.serialize((bytes: Buffer) => bytes as unknown as string).send(body)
          : call.send(body);
      },
      storedEvents: async (count, options) => {
        const read = async () => {
          const result = await clickhouse.query({
            query: 'SELECT * FROM events FINAL WHERE tenant_id = {tenantId: String} ORDER BY received_at',
            query_params: { tenantId },
            format: 'JSONEachRow',
          });
          return result.json<StoredEvent>();
        };
        await waitUntil(async () => (await read()).length >= count, options);
        return read();
      },
    };
  };

  return {
    app,
    clickhouse,
    url,
    createTenant,
    stop: async () => {
      stopping.abort();
      await working;
      await app.close();
      await clickhouse.close();
      await database.drop();
      await controlPlane?.drop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
