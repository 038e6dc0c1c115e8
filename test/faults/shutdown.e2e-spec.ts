import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { ClickHouseServer } from '../../src/embedded/clickhouse.server.js';
import { RedisServer } from '../../src/embedded/redis.server.js';
import { freshRedisPrefix } from '../support/servers.js';
import { type ServiceProcess, seedKey, startProcess } from '../support/service.process.js';
import { type FreshControlPlane, freshControlPlane } from '../support/control-plane.js';
import { waitUntil } from '../support/wait-until.js';

const TRACK = '/api/ingestion/track/';
const SENDERS = 20;

/** The built service in a process of its own, as an orchestrator ends it. */
describe('a process that gets SIGTERM', () => {
  let folder: string;
  let redis: RedisServer;
  let clickhouse: ClickHouseServer;
  let controlPlane: FreshControlPlane;
  let environment: Record<string, string>;
  let key: string;
  /** What the user ids of this test start with. */
  let user: string;
  const started: ServiceProcess[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'segops-shutdown-'));
    [redis, clickhouse] = await Promise.all([
      RedisServer.start({ dataDir: join(folder, 'redis') }),
      ClickHouseServer.start({ dataDir: join(folder, 'clickhouse') }),
    ]);
    const DATA_DIR = join(folder, 'service');
    controlPlane = await freshControlPlane(DATA_DIR);
    environment = { ...controlPlane.environment, DATA_DIR, CLICKHOUSE_URL: clickhouse.url, REDIS_URL: redis.url };
    key = await seedKey(environment);
  });
  beforeEach(() => {
    environment = { ...environment, QUEUE_PREFIX: freshRedisPrefix() };
    user = randomUUID();
  });
  afterEach(async () => {
    for (const { pid } of [redis, clickhouse]) process.kill(pid, 'SIGCONT');
    await Promise.all(started.splice(0).map((service) => service.kill()));
  });
  afterAll(async () => {
    await Promise.all([redis.kill(), clickhouse.kill(), controlPlane.drop()]);
    await rm(folder, { recursive: true, force: true });
  });

  const start = async (settings: Record<string, string>): Promise<ServiceProcess> => {
    const service = await startProcess({ ...environment, ...settings });
    started.push(service);
    return service;
  };

  const open = (service: ServiceProcess, agent?: Agent, length?: number) =>
    request(`${service.url}${TRACK}`, {
      method: 'POST',
      agent: agent ?? new Agent({ keepAlive: true }),
      headers: {
        authorization: `ApiKey ${key}`,
        'content-type': 'application/json',
        ...(length === undefined ? {} : { 'content-length': length, expect: '100-continue' }),
      },
    });

  /** A request whose body has not arrived when the service has begun to read it. */
  const begin = async (service: ServiceProcess, length: number) => {
    const call = open(service, undefined, length);
    call.flushHeaders();
    await once(call, 'continue');
    return call;
  };

  const answerTo = async (call: ReturnType<typeof open>) => {
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    return { status: response.statusCode, connection: response.headers.connection };
  };

  const send = (service: ServiceProcess, userId: string, agent?: Agent) => {
    const call = open(service, agent);
    call.end(JSON.stringify({ user_id: `${user} ${userId}`, event_type: 'page_viewed' }));
    return answerTo(call);
  };

  const statusOf = (service: ServiceProcess, path: string) =>
    fetch(`${service.url}${path}`, { headers: { connection: 'close' } }).then(
      ({ status }) => status,
      (error: unknown) => ((error as Error).cause as NodeJS.ErrnoException).code,
    );

  const count = async (what: 'count()' | 'uniqExact(user_id)'): Promise<number> => {
    const response = await fetch(clickhouse.url, {
      method: 'POST',
      body: `SELECT ${what} FROM events WHERE startsWith(user_id, '${user}')`,
      headers: { connection: 'close' },
    });
    return Number(await response.text());
  };

  it('should answer a request that is still arriving, close its connection, and end with 0', async () => {
    const service = await start({ ROLE: 'api' });
    const body = JSON.stringify({ user_id: 'slow', event_type: 'page_viewed' });
    const call = await begin(service, body.length);
    call.write(body.slice(0, 10));
    const stopped = service.stop();
    await waitUntil(async () => (await statusOf(service, '/livez')) === 'ECONNREFUSED');
    call.end(body.slice(10));

    expect(await answerTo(call)).toEqual({ status: 202, connection: 'close' });
    expect(await stopped).toBe(0);
  });

  it('should cut off a request that does not arrive, and end with 0 all the same', async () => {
    const service = await start({ ROLE: 'api', SHUTDOWN_TIMEOUT_MS: '2000' });
    const call = await begin(service, 1_000);
    call.write('{');
    const failed = once(call, 'error');

    expect(await service.stop()).toBe(0);
    expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);
    expect(service.lastLines).toContain('Cutting off clients that have not sent or read everything: 1.');
  });

  it('should not wait for connections on which nothing was asked', async () => {
    const service = await start({ ROLE: 'api' });
    const { port } = new URL(service.url);
    const unused = connect(Number(port), '127.0.0.1');
    const closed = once(unused, 'close');
    await once(unused, 'connect');
    const agent = new Agent({ keepAlive: true });
    await send(service, 'idle', agent);

    expect(await service.stop()).toBe(0);
    expect(service.lastLines).not.toContain('Cutting off clients');
    await closed;
  });

  it('should serve for the grace while it is unready, then refuse connections; a second SIGTERM changes nothing', async () => {
    const service = await start({ ROLE: 'api', SHUTDOWN_GRACE_MS: '1500' });
    process.kill(service.pid, 'SIGTERM');
    await waitUntil(async () => (await statusOf(service, '/readyz')) === 503);
    process.kill(service.pid, 'SIGTERM');
    expect(await send(service, 'late')).toEqual({ status: 202, connection: 'close' });
    expect(await statusOf(service, '/livez')).toBe(200);
    await waitUntil(async () => (await statusOf(service, '/readyz')) === 'ECONNREFUSED');

    expect(await service.ended).toBe(0);
  });

  it('should answer all that clients send on open connections until it has told them to leave, and store it', async () => {
    const service = await start({ ROLE: 'all', SHUTDOWN_GRACE_MS: '500' });
    const answers: (number | undefined)[] = [];
    const sender = async (name: string): Promise<void> => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let i = 0; ; i++) {
        const { status, connection } = await send(service, `${name}-${i}`, agent);
        answers.push(status);
        if (connection === 'close') return;
      }
    };
    const senders = Array.from({ length: SENDERS }, (_, i) => sender(`sender-${i}`));
    await waitUntil(() => answers.length > 200);
    const stopped = service.stop();
    await Promise.all(senders);

    expect(new Set(answers)).toEqual(new Set([202]));
    expect(await stopped).toBe(0);
    await start({ ROLE: 'worker' });
    await waitUntil(async () => (await count('uniqExact(user_id)')) === answers.length, { timeoutMs: 30_000 });
  });

  describe('with a batch in hand', () => {
    let api: ServiceProcess;
    let worker: ServiceProcess;

    const startBoth = async (timeoutMs: number): Promise<void> => {
      [api, worker] = await Promise.all([
        start({ ROLE: 'api' }),
        start({ ROLE: 'worker', SHUTDOWN_TIMEOUT_MS: String(timeoutMs), SHUTDOWN_GRACE_MS: '500' }),
      ]);
      await waitUntil(async () => (await statusOf(api, '/api/ingestion/health/')) === 200);
    };
    const handToWorker = async (): Promise<void> => {
      expect(await send(api, 'in hand')).toMatchObject({ status: 202 });
      // The worker takes it, and cannot finish it.
      const asking = new Redis(redis.url);
      await waitUntil(async () => (await asking.llen(`${environment['QUEUE_PREFIX']!}:events:active`)) === 1);
      asking.disconnect();
    };
    const expectStoredOnce = async (): Promise<void> => {
      await start({ ROLE: 'worker' });
      await waitUntil(async () => (await count('uniqExact(user_id)')) === 1, { timeoutMs: 30_000 });
      expect(await count('count()')).toBe(1);
    };

    it('should hand it back when ClickHouse is away, end with 0, and leave it to the next worker', async () => {
      await startBoth(25_000);
      await clickhouse.kill();
      await handToWorker();
      expect(await worker.stop()).toBe(0);
      clickhouse = await ClickHouseServer.start({ dataDir: join(folder, 'clickhouse'), port: clickhouse.port });
      await expectStoredOnce();
    });

    it('should give up an insert that ClickHouse does not answer, in time to end with 0', async () => {
      await startBoth(4_000);
      process.kill(clickhouse.pid, 'SIGSTOP');
      await handToWorker();
      expect(await worker.stop()).toBe(0);
      process.kill(clickhouse.pid, 'SIGCONT');
      await expectStoredOnce();
    });

    it('should end with 1, and say what it was doing, when it takes longer than it may', async () => {
      await startBoth(1_000);
      process.kill(redis.pid, 'SIGSTOP');
      expect(await worker.stop()).toBe(1);
      expect(worker.lastLines).toContain('Not stopped within 1000 ms, while finishing or handing back batches.');
    });
  });
});
