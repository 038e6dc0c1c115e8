import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { Redis } from 'ioredis';
import { createClickHouseClient } from '../../src/warehouse/clickhouse.client.js';
import { RedisServer } from '../../src/embedded/redis.server.js';
import { Retries } from '../../src/idempotency/retries.service.js';
import { EventTransport } from '../../src/transport/event-transport.js';
import { OLD_NOTE_MS } from '../../src/transport/retry-notes.js';
import { Spool } from '../../src/transport/spool/spool.js';
import { sendRaw } from '../support/raw.request.js';
import { RedisProxy } from '../support/redis.proxy.js';
import { freshClickHouseDatabase, freshRedisPrefix } from '../support/servers.js';
import { type FreshControlPlane, freshControlPlane } from '../support/control-plane.js';
import { startService, type TestService, type TestTenant } from '../support/service.js';
import { type ServiceProcess, seedKey, startProcess } from '../support/service.process.js';
import { waitUntil } from '../support/wait-until.js';

const track = '/api/ingestion/track/';
const batch = '/api/ingestion/track/batch/';
const event = { user_id: 'u1', event_type: 'page_viewed', occurred_at: '2026-04-25T13:00:00Z' };
const body = JSON.stringify(event);

/** `rows` before merges, copies included; `ids`: distinct ones. */
async function stored(clickhouse: ClickHouseClient, tenantId: string): Promise<{ rows: number; ids: number }> {
  const result = await clickhouse.query({
    query: `SELECT count() AS rows, uniqExact(id) AS ids FROM events
            WHERE tenant_id = {tenantId: String} AND user_id != 'marker'`,
    query_params: { tenantId },
    format: 'JSONEachRow',
  });
  const [counts] = await result.json<Record<'rows' | 'ids', string>>();
  return { rows: Number(counts!.rows), ids: Number(counts!.ids) };
}

describe('a request that is sent again', () => {
  let dataDir: string;
  let redis: RedisServer;
  let service: TestService;
  let tenant: TestTenant;
  let asking: Redis;
  const prefix = freshRedisPrefix();

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'segops-idempotency-'));
    redis = await RedisServer.start({ dataDir });
    service = await startService({ REDIS_URL: redis.url, QUEUE_PREFIX: prefix, SPOOL_MAX_BYTES: '0' });
    asking = new Redis(redis.url);
  });
  afterAll(async () => {
    asking.disconnect();
    await service.stop();
    await redis.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
  beforeEach(async () => {
    tenant = await service.createTenant();
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  const send = (path = track, text = body) => sendRaw(service.url, path, tenant.key, text);
  /** All of this prefix: tests come one after the other. */
  const notes = async () => (await asking.keys(`${prefix}:events:note:*`)).length;

  /** After what was sent before: nothing of it comes later. */
  const storedInAll = async () => {
    await tenant.post(track, { ...event, user_id: 'marker', event_id: String(Math.random()) }).expect(202);
    await waitUntil(async () => (await tenant.storedEvents(1)).some(({ user_id }) => user_id === 'marker'));
    await waitUntil(async () => (await service.app.get(EventTransport).status()).pending === 0);
    return stored(service.clickhouse, tenant.tenantId);
  };

  /** Keeps requests waiting whose batch is durable (`after`) or not even sent (`before`) until it is released. */
  const hold = (when: 'before' | 'after') => {
    const transport = service.app.get(EventTransport);
    const publish = transport.publish.bind(transport);
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    let reached = 0;
    jest.spyOn(transport, 'publish').mockImplementation(async (published, options) => {
      const older = when === 'after' ? await publish(published, options) : [];
      reached += published.events;
      await released;
      return when === 'before' ? publish(published, options) : older;
    });
    return { release, reaches: (events: number) => waitUntil(() => reached >= events) };
  };

  /** The attempts that have come from now on, as far as their batch. */
  const attemptsTo = ({ app }: TestService) => {
    const { calls } = jest.spyOn(app.get(Retries), 'claim').mock;
    const reach = (count: number) => waitUntil(() => calls.length === count);
    return { reach, of: (index: number) => calls[index]![0] };
  };

  describe('without a key', () => {
    it.each([track, batch])(
      'should be stored once when its client broke it off and the batch was durable (%s)',
      async (path) => {
        const text = path === track ? body : JSON.stringify({ events: [event, event] });
        const held = hold('after');
        const attempts = attemptsTo(service);
        const first = send(path, text);
        await held.reaches(1);
        first.abort();
        await waitUntil(() => attempts.of(0).isAbandoned);
        held.release();
        await waitUntil(() => attempts.of(0).isDurable);
        expect(await send(path, text).status).toBe(202);
        const events = path === track ? 1 : 2;
        expect(await storedInAll()).toEqual({ rows: events, ids: events });
        await waitUntil(async () => (await notes()) === 0);
      },
    );

    it('should be stored once when its client breaks it off and comes back before the batch is durable', async () => {
      const held = hold('before');
      const attempts = attemptsTo(service);
      const first = send();
      await held.reaches(1);
      first.abort();
      const second = send();
      await attempts.reach(2);
      held.release();
      expect(await second.status).toBe(202);
      expect(await storedInAll()).toMatchObject({ ids: 1 });
      await waitUntil(async () => (await notes()) === 0);
    });

    it('should be stored as often as it was sent by clients that each got an answer', async () => {
      for (let i = 0; i < 2; i++) expect(await send().status).toBe(202);
      await waitUntil(async () => (await notes()) === 0);
      expect(await send().status).toBe(202);
      expect(await storedInAll()).toEqual({ rows: 3, ids: 3 });
    });

    it('should be stored twice when two clients send it at the same time, and wait', async () => {
      const held = hold('after');
      const attempts = attemptsTo(service);
      const requests = [send(), send()];
      await held.reaches(1);
      requests.push(send());
      await attempts.reach(3);
      held.release();
      expect(await Promise.all(requests.map(({ status }) => status))).toEqual([202, 202, 202]);
      expect(await storedInAll()).toEqual({ rows: 3, ids: 3 });
    });

    it('should be stored twice when two clients send it, both break off, and both send it again', async () => {
      const held = hold('after');
      const attempts = attemptsTo(service);
      const first = [send(), send()];
      await held.reaches(1);
      await attempts.reach(2);
      for (const { abort } of first) abort();
      await waitUntil(() => attempts.of(0).isAbandoned && attempts.of(1).isAbandoned);
      held.release();
      // From here on it is known that they are on disk.
      expect(await storedInAll()).toEqual({ rows: 2, ids: 2 });
      expect(await send().status).toBe(202);
      expect(await send().status).toBe(202);
      // The batch of the second may not have been durable when it was sent again.
      expect(await storedInAll()).toMatchObject({ ids: 2 });
      expect(await send().status).toBe(202);
      expect(await storedInAll()).toMatchObject({ ids: 3 });
    });

    it('should be stored once when Redis took the batch after a 503, and it comes again', async () => {
      process.kill(redis.pid, 'SIGSTOP');
      const status = await send().status.finally(() => process.kill(redis.pid, 'SIGCONT'));
      expect(status).toBe(503);
      await waitUntil(async () => (await send().status) === 202);
      expect(await storedInAll()).toMatchObject({ ids: 1 });
      await waitUntil(async () => (await notes()) === 0);
    });

    it('should be stored once when Redis is frozen, its client breaks off, and comes back at once', async () => {
      const away = await startService({ REDIS_URL: redis.url, QUEUE_PREFIX: freshRedisPrefix() });
      try {
        const other = await away.createTenant();
        const sendAll = () =>
          Array.from({ length: 20 }, (_, i) =>
            sendRaw(away.url, track, other.key, JSON.stringify({ ...event, user_id: `u-${i}` })),
          );
        const attempts = attemptsTo(away);
        process.kill(redis.pid, 'SIGSTOP');
        const lost = sendAll();
        await attempts.reach(20);
        for (const { abort } of lost) abort();
        await waitUntil(() => Array.from({ length: 20 }, (_, i) => attempts.of(i)).every((one) => one.isAbandoned));
        const again = sendAll();
        await attempts.reach(40);
        process.kill(redis.pid, 'SIGCONT');
        expect(await Promise.all(again.map(({ status }) => status))).toEqual(Array(20).fill(202));
        await waitUntil(async () => (await stored(away.clickhouse, other.tenantId)).ids >= 20);
        await waitUntil(() => away.app.get<Spool>(Spool).store.size === 0);
        await waitUntil(async () => (await away.app.get(EventTransport).status()).pending === 0);
        expect(await stored(away.clickhouse, other.tenantId)).toMatchObject({ ids: 20 });
      } finally {
        process.kill(redis.pid, 'SIGCONT');
        await away.stop();
      }
    });

    it('should be stored as often as it was sent when it says no time, even if its client broke off', async () => {
      const timeless = { user_id: event.user_id, event_type: event.event_type };
      const held = hold('after');
      const text = JSON.stringify(timeless);
      const first = send(track, text);
      await held.reaches(1);
      first.abort();
      held.release();
      expect(await send(track, text).status).toBe(202);
      expect(await storedInAll()).toEqual({ rows: 2, ids: 2 });
      expect(await notes()).toBe(0);
    });
  });

  describe('with an Idempotency-Key', () => {
    const keyed = (path: string, content: object, key: string, by = tenant) =>
      by.post(path, content, { 'idempotency-key': key });

    it('should get the same answer again, marked, and be stored once', async () => {
      const first = await keyed(track, event, 'k-1').expect(202);
      expect(first.headers['idempotency-replayed']).toBeUndefined();
      const second = await keyed(track, event, 'k-1').expect(202);
      expect(second.headers['idempotency-replayed']).toBe('true');
      expect(second.body).toEqual(first.body);
      expect(await storedInAll()).toEqual({ rows: 1, ids: 1 });
    });

    it('should get the same answer again about events that were skipped', async () => {
      const content = { events: [event, ...Array.from({ length: 100 }, () => ({ user_id: ' ' })), event] };
      const first = await keyed(batch, content, 'k-1').expect(202);
      expect(first.body).toMatchObject({ queued: 2, skipped: 100 });
      const second = await keyed(batch, content, 'k-1').expect(202);
      expect(second.headers['idempotency-replayed']).toBe('true');
      expect(second.body).toEqual(first.body);
      expect(await storedInAll()).toEqual({ rows: 2, ids: 2 });
    });

    it('should be refused with another body or to another path, and take nothing of it', async () => {
      await keyed(track, event, 'k-1').expect(202);
      const others = [
        await keyed(track, { ...event, user_id: 'u2' }, 'k-1'),
        await keyed(batch, { events: [event] }, 'k-1'),
      ];
      for (const other of others) {
        expect(other.status).toBe(400);
        expect(other.body).toEqual({ detail: expect.stringContaining('Idempotency-Key') });
      }
      expect(await storedInAll()).toEqual({ rows: 1, ids: 1 });
    });

    it('should not hold a refused body against its key', async () => {
      await keyed(track, { event_type: 'e' }, 'k-1').expect(400);
      await keyed(track, event, 'k-1').expect(202);
      expect(await storedInAll()).toEqual({ rows: 1, ids: 1 });
    });

    it('should be stored once when it arrives several times at the same moment', async () => {
      const answers = await Promise.all(Array.from({ length: 5 }, () => keyed(track, event, 'k-1')));
      expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202]);
      expect(await storedInAll()).toMatchObject({ ids: 1 });
    });

    it('should be stored once when nobody remembers it', async () => {
      await keyed(track, event, 'k-1').expect(202);
      await asking.del(`${prefix}:answers:${tenant.tenantId}:k-1`);
      const second = await keyed(track, event, 'k-1').expect(202);
      expect(second.headers['idempotency-replayed']).toBeUndefined();
      expect(await storedInAll()).toMatchObject({ ids: 1 });
    });

    it('should lose nothing when nobody remembers the key and the body is another', async () => {
      await keyed(track, event, 'k-1').expect(202);
      await asking.del(`${prefix}:answers:${tenant.tenantId}:k-1`);
      await keyed(track, { ...event, user_id: 'u2' }, 'k-1').expect(202);
      expect(await storedInAll()).toEqual({ rows: 2, ids: 2 });
    });

    it('should know keys of other tenants apart', async () => {
      const other = await service.createTenant();
      await keyed(track, event, 'k-1').expect(202);
      const answer = await keyed(track, event, 'k-1', other).expect(202);
      expect(answer.headers['idempotency-replayed']).toBeUndefined();
      expect(await storedInAll()).toEqual({ rows: 1, ids: 1 });
      expect(await other.storedEvents(1)).toHaveLength(1);
    });

    it('should be forgotten after a day', async () => {
      await keyed(track, event, 'k-1').expect(202);
      const ttl = await asking.pttl(`${prefix}:answers:${tenant.tenantId}:k-1`);
      expect(ttl).toBeGreaterThan(86_000_000);
      expect(ttl).toBeLessThanOrEqual(86_400_000);
    });
  });

  it('should store an event_id once, also when its client broke off', async () => {
    const text = JSON.stringify({ ...event, event_id: 'e-1' });
    const held = hold('after');
    const first = send(track, text);
    await held.reaches(1);
    first.abort();
    held.release();
    expect(await send(track, text).status).toBe(202);
    expect(await storedInAll()).toMatchObject({ ids: 1 });
  });
});

/** Built processes, as in production: two instances that share a Redis, and whose control planes are copies. */
describe('a request that an instance dies over', () => {
  let dataDir: string;
  let database: { url: string; drop(): Promise<void> };
  let clickhouse: ClickHouseClient;
  let redis: RedisServer;
  let proxy: RedisProxy;
  let controlPlane: FreshControlPlane;
  let environment: Record<string, string>;
  let key: string;
  let processes: ServiceProcess[];
  let asking: Redis;

  const start = async (folder: string, changes: Record<string, string> = {}) => {
    const process = await startProcess({ ...environment, DATA_DIR: join(dataDir, folder), ROLE: 'api', ...changes });
    processes.push(process);
    return process;
  };

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'segops-crash-'));
    database = await freshClickHouseDatabase();
    clickhouse = createClickHouseClient(database.url, 4);
    redis = await RedisServer.start({ dataDir: join(dataDir, 'redis') });
    proxy = await RedisProxy.start(redis.port);
    asking = new Redis(redis.url);
    processes = [];
    controlPlane = await freshControlPlane(join(dataDir, 'one'));
    environment = {
      ...controlPlane.environment,
      DATA_DIR: join(dataDir, 'one'),
      CLICKHOUSE_URL: database.url,
      REDIS_URL: redis.url,
      QUEUE_PREFIX: freshRedisPrefix(),
      LOG_LEVEL: 'warn',
    };
    key = await seedKey(environment);
    // Where the control plane is embedded, the other instance has a copy of it.
    if (controlPlane.environment['DATABASE_URL'] === undefined) {
      await cp(join(dataDir, 'one'), join(dataDir, 'two'), { recursive: true });
    }
    await start('worker', { ROLE: 'worker' });
  });
  afterEach(async () => {
    await Promise.all(processes.map((process) => process.stop()));
    asking.disconnect();
    await proxy.stop();
    await redis.stop();
    await clickhouse.close();
    await database.drop();
    await controlPlane.drop();
    await rm(dataDir, { recursive: true, force: true });
  });

  const count = async () => stored(clickhouse, 'acme');

  const notes = () => asking.keys(`${environment['QUEUE_PREFIX']!}:events:note:*`);
  /** Waits until every note is so old that whoever finds it takes its seed over. */
  const untilNotesAreOld = (count: number) =>
    waitUntil(async () => {
      const values = await Promise.all((await notes()).map((name) => asking.get(name)));
      const [seconds, micros] = await asking.time();
      const now = Number(seconds) * 1_000 + Number(micros) / 1_000;
      return values.length === count && values.every((value) => now - Number(value?.split(' ')[1]) > 401);
    });

  /** A request whose batch is durable, and that was not answered. */
  const dieOver = async () => {
    const dying = await start('one', { REDIS_URL: proxy.url });
    expect(await sendRaw(dying.url, track, key, JSON.stringify({ ...event, user_id: 'marker' })).status).toBe(202);
    await waitUntil(async () => (await notes()).length === 0);
    proxy.loseAnswersTo('events.v1');
    const { status } = sendRaw(dying.url, track, key, body);
    await waitUntil(() => proxy.hasLostAnswers);
    await dying.kill();
    await expect(status).rejects.toThrow();
  };

  const queueIsEmpty = async (url: string) => {
    const answer = await fetch(`${url}/api/ingestion/stats/`, { headers: { authorization: `ApiKey ${key}` } });
    const { queue } = (await answer.json()) as { queue: { waiting_batches: number } | null };
    return queue?.waiting_batches === 0;
  };

  it.each([
    ['the restarted instance', 'one'],
    ['another instance that lives', 'two'],
  ])('should be stored once when it comes again to %s', async (_, folder) => {
    const living = folder === 'two' ? await start('two') : undefined;
    await dieOver();
    const { url } = living ?? (await start('one'));
    await untilNotesAreOld(1);
    expect(await sendRaw(url, track, key, body).status).toBe(202);
    await waitUntil(async () => (await notes()).length === 0);
    await waitUntil(() => queueIsEmpty(url));
    expect(await count()).toMatchObject({ ids: 1 });
    // Another client, later, is nobody's retry.
    expect(await sendRaw(url, track, key, body).status).toBe(202);
    await waitUntil(async () => (await count()).ids >= 2);
    await waitUntil(() => queueIsEmpty(url));
    expect(await count()).toMatchObject({ ids: 2 });
  });

  it('should be stored once when Redis was frozen, and it comes again to another instance', async () => {
    const [dying, living] = [await start('one', { REDIS_URL: proxy.url }), await start('two')];
    const bodies = Array.from({ length: 20 }, (_, i) => JSON.stringify({ ...event, user_id: `lost-${i}` }));
    const send = ({ url }: ServiceProcess) => bodies.map((text) => sendRaw(url, track, key, text).status);
    process.kill(redis.pid, 'SIGSTOP');
    const lost = send(dying);
    // The first of them are on their way to Redis; the others wait for these in the process.
    await waitUntil(() => proxy.hasSent('lost-'));
    const cameInBefore = Date.now();
    await dying.kill();
    // Their age counts from when they came in, not from when Redis could take the notes.
    await waitUntil(() => Date.now() - cameInBefore > OLD_NOTE_MS);
    process.kill(redis.pid, 'SIGCONT');
    expect((await Promise.allSettled(lost)).map((answer) => answer.status)).toEqual(Array(20).fill('rejected'));
    await waitUntil(async () => (await notes()).length > 0);
    expect(await Promise.all(send(living))).toEqual(Array(20).fill(202));
    await waitUntil(async () => (await count()).ids >= 20);
    await waitUntil(() => queueIsEmpty(living.url));
    expect(await count()).toMatchObject({ ids: 20 });
  });

  it('should be stored as often as it was sent when it was answered and says no time, whatever dies', async () => {
    const timeless = { user_id: event.user_id, event_type: event.event_type };
    const sendAll = ({ url }: ServiceProcess) =>
      Promise.all(Array.from({ length: 10 }, () => sendRaw(url, track, key, JSON.stringify(timeless)).status));
    const first = await start('one');
    expect(await sendAll(first)).toEqual(Array(10).fill(202));
    await first.kill();
    const second = await start('two');
    expect(await sendAll(second)).toEqual(Array(10).fill(202));
    await waitUntil(async () => (await count()).ids >= 20);
    await waitUntil(() => queueIsEmpty(second.url));
    expect(await count()).toMatchObject({ ids: 20 });
  });

  it('should be answered as before under its Idempotency-Key after a restart', async () => {
    const post = (url: string) =>
      fetch(url + track, {
        method: 'POST',
        headers: { authorization: `ApiKey ${key}`, 'content-type': 'application/json', 'idempotency-key': 'k-1' },
        body,
      });
    const first = await start('one');
    expect((await post(first.url)).status).toBe(202);
    await first.kill();
    const answer = await post((await start('one')).url);
    expect(answer.status).toBe(202);
    expect(answer.headers.get('idempotency-replayed')).toBe('true');
    expect(await answer.json()).toEqual({ queued: true });
  });
});
