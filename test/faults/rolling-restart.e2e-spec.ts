import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LoadBalancer } from '../support/load.balancer.js';
import { PostgresServer, postgresIsInstalled } from '../support/postgres.server.js';
import { queueUnderTest } from '../support/queue-under-test.js';
import { type FreshDatabase, freshClickHouseDatabase } from '../support/servers.js';
import { type ServiceProcess, seedKey, startProcess } from '../support/service.process.js';
import { waitUntil } from '../support/wait-until.js';

const CLIENTS = 8;
const EVENTS_A_REQUEST = 20;
/** Between a client's requests: what is sent must be stored too, by a ClickHouse that shares two cores with all the rest. */
const PAUSE_MS = 50;
/** Several looks of the load balancer. */
const GRACE_MS = 1_000;

const describeWithPostgres = postgresIsInstalled ? describe : describe.skip;

/** Two API and two worker processes that share Redis, PostgreSQL and ClickHouse, replaced one by one as in a deployment. */
describeWithPostgres('a rolling restart under load', () => {
  let folder: string;
  let postgres: PostgresServer;
  let database: FreshDatabase;
  let environment: Record<string, string>;
  let key: string;
  const running: ServiceProcess[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'segops-rolling-'));
    [postgres, database] = await Promise.all([PostgresServer.start(), freshClickHouseDatabase()]);
    environment = {
      DATA_DIR: folder,
      DATABASE_URL: postgres.url,
      ENCRYPTION_KEY: randomBytes(32).toString('hex'),
      CLICKHOUSE_URL: database.url,
      ...(await queueUnderTest()),
      LOG_LEVEL: 'warn',
      SHUTDOWN_GRACE_MS: String(GRACE_MS),
    };
    key = await seedKey(environment);
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((service) => service.kill()));
    await postgres.stop();
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  });

  const start = async (role: 'api' | 'worker'): Promise<ServiceProcess> => {
    const name = `${role}-${running.length}`;
    const service = await startProcess({ ...environment, ROLE: role, DATA_DIR: join(folder, name) });
    running.push(service);
    return service;
  };

  const counts = async (): Promise<{ rows: number; ids: number; users: number }> => {
    const url = new URL(database.url);
    const query = `SELECT count(), uniqExact(id), uniqExact(user_id) FROM ${database.name}.events FORMAT JSONCompact`;
    const response = await fetch(url.origin, { method: 'POST', body: query, headers: { connection: 'close' } });
    const { data } = (await response.json()) as { data: [[string, string, string]] };
    const [rows, ids, users] = data[0].map(Number) as [number, number, number];
    return { rows, ids, users };
  };

  it('should fail no request, and store every event once', async () => {
    const apis = await Promise.all([start('api'), start('api')]);
    const workers = await Promise.all([start('worker'), start('worker')]);
    const balancer = new LoadBalancer(apis.map(({ url }) => url));
    const answers = new Map<string, number>();
    let requests = 0;
    let isStopping = false;
    const client = async (): Promise<void> => {
      while (!isStopping) {
        const request = requests++;
        const events = Array.from({ length: EVENTS_A_REQUEST }, (_, k) => ({
          user_id: `user-${request}-${k}`,
          event_type: 'order_placed',
        }));
        const answer = await balancer.post('/api/ingestion/track/batch/', key, JSON.stringify({ events }));
        answers.set(answer, (answers.get(answer) ?? 0) + 1);
        await sleep(PAUSE_MS);
      }
    };
    const clients = Array.from({ length: CLIENTS }, () => client());

    const exitCodes: (number | undefined)[] = [];
    for (const [i, old] of apis.entries()) {
      exitCodes.push(await old.stop());
      balancer.replace(i, (await start('api')).url);
      await balancer.sees(i);
    }
    for (const old of workers) {
      exitCodes.push(await old.stop());
      await start('worker');
    }
    isStopping = true;
    await Promise.all(clients);
    balancer.stop();

    expect(Object.fromEntries(answers)).toEqual({ '202': requests });
    expect(exitCodes).toEqual([0, 0, 0, 0]);
    const expected = requests * EVENTS_A_REQUEST;
    await waitUntil(async () => (await counts()).ids >= expected, { timeoutMs: 60_000, everyMs: 250 });
    expect(await counts()).toEqual({ rows: expected, ids: expected, users: expected });
  }, 180_000);
});
