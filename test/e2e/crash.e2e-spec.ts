import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { createClickHouseClient } from '../../src/warehouse/clickhouse.client.js';
import { freshClickHouseDatabase, freshRedisPrefix, sharedRedisUrl } from '../support/servers.js';
import { type ServiceProcess, seedKey, startProcess } from '../support/service.process.js';
import { waitUntil } from '../support/wait-until.js';

const REQUESTS = 200;
const EVENTS_A_REQUEST = 500;
const KILLS = 3;

/** The built service in processes of its own, as in production. */
describe('when the worker is killed in the middle of a load', () => {
  let dataDir: string;
  let database: { url: string; drop(): Promise<void> };
  let clickhouse: ClickHouseClient;
  let api: ServiceProcess;
  let worker: ServiceProcess;
  let environment: Record<string, string>;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'segops-crash-'));
    database = await freshClickHouseDatabase();
    clickhouse = createClickHouseClient(database.url, 4);
    environment = {
      DATA_DIR: dataDir,
      CLICKHOUSE_URL: database.url,
      REDIS_URL: sharedRedisUrl(),
      QUEUE_PREFIX: freshRedisPrefix(),
      LOG_LEVEL: 'warn',
    };
  });

  afterEach(async () => {
    await Promise.all([api.stop(), worker.stop()]);
    await clickhouse.close();
    await database.drop();
    await rm(dataDir, { recursive: true, force: true });
  });

  it('should store each of 100,000 events exactly once', async () => {
    const key = await seedKey(environment);
    api = await startProcess({ ...environment, ROLE: 'api' });
    worker = await startProcess({ ...environment, ROLE: 'worker' });

    const count = async () => {
      const result = await clickhouse.query({
        query: 'SELECT count() AS rows, uniqExact(id) AS ids, uniqExact(user_id) AS users FROM events',
        format: 'JSONEachRow',
      });
      const [counts] = await result.json<Record<'rows' | 'ids' | 'users', string>>();
      return { rows: Number(counts!.rows), ids: Number(counts!.ids), users: Number(counts!.users) };
    };
    await waitUntil(() =>
      count().then(
        () => true,
        () => false,
      ),
    );

    let kills = 0;
    for (let i = 0; i < REQUESTS; i++) {
      const events = Array.from({ length: EVENTS_A_REQUEST }, (_, k) => ({
        user_id: `user-${i}-${k}`,
        event_type: 'order_placed',
        payload: { total: k },
      }));
      const response = await fetch(`${api.url}/api/ingestion/track/batch/`, {
        method: 'POST',
        headers: { authorization: `ApiKey ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ events }),
      });
      expect(response.status).toBe(202);
      if (i > 0 && i % Math.floor(REQUESTS / (KILLS + 1)) === 0 && kills < KILLS) {
        kills++;
        await worker.kill();
        worker = await startProcess({ ...environment, ROLE: 'worker' });
      }
    }
    expect(kills).toBe(KILLS);

    const expected = REQUESTS * EVENTS_A_REQUEST;
    // What a killed worker had in hand is delivered again once its lock has run out.
    await waitUntil(async () => (await count()).ids >= expected, { timeoutMs: 60_000, everyMs: 250 });
    await waitUntil(async () => {
      const response = await fetch(`${api.url}/api/ingestion/health/`);
      return response.status === 200;
    });
    expect(await Promise.all([api.stop(), worker.stop()])).toEqual([0, 0]);
    expect(await count()).toEqual({ rows: expected, ids: expected, users: expected });
  }, 120_000);
});
