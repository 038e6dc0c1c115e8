import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:net';
import { type Message, PubSub } from '@google-cloud/pubsub';
import request from 'supertest';
import { createApplication } from '../../src/bootstrap.js';
import { runCli } from '../../src/cli/run-cli.js';
import { loadConfiguration } from '../../src/config/load-configuration.js';
import { freePort } from '../../src/embedded/ports.js';
import { RedisServer } from '../../src/embedded/redis.server.js';
import { createPubSubClient } from '../../src/transport/pubsub/pubsub.client.js';
import type { PubSubNames } from '../../src/transport/pubsub/pubsub.names.js';
import { describeOnPubSub, freshPubSubNames, pubSubEnvironment, sharedPubSubHost } from '../support/pubsub.js';
import { freshRedisPrefix, sharedRedisUrl } from '../support/servers.js';
import { freshControlPlane } from '../support/control-plane.js';
import { startService, type TestService } from '../support/service.js';
import { waitUntil } from '../support/wait-until.js';

const TRACK = '/api/ingestion/track/';
const EVENT = { user_id: 'zoe@example.com', event_type: 'order_placed', payload: { total: 59.9 } };
const silent = { log() {}, error() {}, warn() {}, debug() {}, verbose() {}, fatal() {} };

describeOnPubSub('with TRANSPORT=pubsub', () => {
  let client: PubSub;

  beforeEach(() => {
    client = createPubSubClient({ projectId: 'segops-test', emulatorHost: sharedPubSubHost });
  });
  afterEach(() => client.close());

  describe('a running service', () => {
    let names: PubSubNames;
    let service: TestService;

    beforeEach(async () => {
      names = await freshPubSubNames();
      service = await startService(pubSubEnvironment(names));
    });
    afterEach(() => service.stop());

    const health = async () => {
      const { status, body } = await request(service.url).get('/api/ingestion/health/');
      return [status, body] as const;
    };

    it('should store a message once that is delivered twice', async () => {
      // A second subscriber of the topic sees what the worker's gets, and publishes it once more.
      const [copies] = await client.topic(names.topic).createSubscription(`${names.subscription}-copy`);
      const copied = new Promise<Message>((resolve) => copies.once('message', resolve));
      const tenant = await service.createTenant();
      await tenant.post(TRACK, EVENT).expect(202);
      const message = await copied;
      message.ack();
      await copies.close();
      await tenant.storedEvents(1);
      await client.topic(names.topic).publishMessage({ data: message.data, attributes: message.attributes });
      await client.topic(names.topic).publishMessage({ data: message.data, attributes: message.attributes });
      await tenant.post(TRACK, { ...EVENT, user_id: 'max@example.com' }).expect(202);
      await tenant.storedEvents(2);
      const counted = await service.clickhouse.query({
        // A copy that came in other company has a row of its own until parts are merged: every row says that there may be one.
        query: `SELECT uniqExact(id) AS ids, (SELECT count() FROM events_once(tenant = {tenantId: String})) AS events,
                  countIf(may_have_copies = 0) AS fresh
                FROM events WHERE tenant_id = {tenantId: String}`,
        query_params: { tenantId: tenant.tenantId },
        format: 'JSONEachRow',
      });
      expect(await counted.json()).toEqual([{ ids: 2, events: 2, fresh: 0 }]);
    });

    it('should say in its health report whether the real topic is there', async () => {
      await waitUntil(async () => (await health())[0] === 200);
      expect(await health()).toEqual([200, { pubsub_topic: 'ok', worker: 'ok', clickhouse: 'ok' }]);
      await client.topic(names.topic).delete();
      await waitUntil(async () => (await health())[0] === 503);
      expect(await health()).toEqual([503, expect.objectContaining({ pubsub_topic: 'down', clickhouse: 'ok' })]);
      // What cannot be published is on disk, and follows.
      const tenant = await service.createTenant();
      await tenant.post(TRACK, EVENT).expect(202);
      await client.createTopic(names.topic);
      await client.subscription(names.subscription).delete();
      await client.createSubscription(names.topic, names.subscription);
      await tenant.storedEvents(1, { timeoutMs: 30_000 });
    });

    it('should tell what waits in the figures that tenants read', async () => {
      const tenant = await service.createTenant();
      await tenant.post(TRACK, EVENT).expect(202);
      await tenant.storedEvents(1);
      const { body } = await request(service.url)
        .get('/api/ingestion/stats/')
        .set('authorization', `Bearer ${tenant.userToken}`)
        .expect(200);
      expect(body).toMatchObject({ queue: { waiting_batches: expect.any(Number) as number } });
    });
  });

  it('should go on without its Redis, and say that it does not know its workers', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'segops-redis-'));
    const redis = await RedisServer.start({ dataDir });
    const service = await startService({ ...pubSubEnvironment(await freshPubSubNames()), REDIS_URL: redis.url });
    try {
      const tenant = await service.createTenant();
      await tenant.post(TRACK, EVENT).expect(202);
      await redis.kill();
      await tenant.post(TRACK, { ...EVENT, user_id: 'max@example.com' }).expect(202);
      await tenant.storedEvents(2);
      const ask = () => request(service.url).get('/api/ingestion/health/');
      await waitUntil(async () => (await ask()).status === 503);
      expect((await ask()).body).toEqual({ pubsub_topic: 'ok', worker: 'unknown', clickhouse: 'ok' });
    } finally {
      await service.stop();
      await redis.stop();
      await rm(dataDir, { recursive: true, force: true });
    }
  });

  it('should wait on the command line for the Redis that keeps its dead letters, too', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'segops-redis-'));
    const port = await freePort();
    let attempts = 0;
    const noRedisYet = createServer((socket) => {
      attempts++;
      socket.destroy();
    }).listen(port, '127.0.0.1');
    const [out, err]: string[][] = [[], []];
    const listed = runCli(['dead-letter', 'list'], {
      env: { ...pubSubEnvironment(await freshPubSubNames()), REDIS_URL: `redis://127.0.0.1:${port}` },
      out: (text) => out!.push(text),
      err: (text) => err!.push(text),
    });
    await waitUntil(() => attempts > 2);
    await new Promise((resolve) => noRedisYet.close(resolve));
    const redis = await RedisServer.start({ dataDir, port });
    try {
      expect(await listed).toBe(0);
      expect([out, err]).toEqual([['There are no dead letters.\n'], []]);
    } finally {
      await redis.stop();
      await rm(dataDir, { recursive: true, force: true });
    }
  });

  describe('at the start', () => {
    const start = async (environment: Record<string, string>): Promise<string> => {
      const dataDir = await mkdtemp(join(tmpdir(), 'segops-pubsub-'));
      const controlPlane = await freshControlPlane(dataDir);
      const configuration = loadConfiguration({
        REDIS_URL: sharedRedisUrl(),
        QUEUE_PREFIX: freshRedisPrefix(),
        CLICKHOUSE_URL: 'http://127.0.0.1:1',
        ...controlPlane.environment,
        DATA_DIR: dataDir,
        SHUTDOWN_GRACE_MS: '0',
        ...environment,
      });
      const app = await createApplication(configuration, silent);
      try {
        await app.init();
        return 'started';
      } catch (error) {
        return String(error);
      } finally {
        await app.close();
        await controlPlane.drop();
        await rm(dataDir, { recursive: true, force: true });
      }
    };

    it('should refuse without the topic, and give the command that makes it', async () => {
      const names = { ...(await freshPubSubNames()), topic: 'nowhere' };
      expect(await start({ ...pubSubEnvironment(names), ROLE: 'api' })).toContain(
        'Pub/Sub has no topic nowhere (PUBSUB_TOPIC). Run: segops pubsub create. Or, without the dead letters that it makes too: ' +
          'gcloud pubsub topics create nowhere --project=segops-test',
      );
    });

    it('should refuse a worker without its subscription, and with another topic’s', async () => {
      const names = await freshPubSubNames();
      const other = await freshPubSubNames();
      const worker = (found: PubSubNames) => start({ ...pubSubEnvironment(found), ROLE: 'worker' });
      expect(await worker({ ...names, subscription: 'nowhere' })).toMatch(
        /has no subscription nowhere \(PUBSUB_SUBSCRIPTION\)\..* gcloud pubsub subscriptions create nowhere --topic=events-/,
      );
      expect(await worker({ ...names, subscription: other.subscription })).toMatch(
        new RegExp(`belongs to projects/segops-test/topics/${other.topic}, and PUBSUB_TOPIC is ${names.topic}`),
      );
    });

    it('should not wait for a Pub/Sub that is away', async () => {
      const names = await freshPubSubNames();
      const settings = { ...pubSubEnvironment(names), ROLE: 'api', PUBSUB_EMULATOR_HOST: '127.0.0.1:1' };
      expect(await start(settings)).toBe('started');
    });
  });

  describe('`pubsub create`', () => {
    const run = async (words: readonly string[], env: Record<string, string> = {}) => {
      const [out, err]: string[][] = [[], []];
      const code = await runCli(['pubsub', 'create', ...words], {
        env: { PUBSUB_PROJECT: 'segops-test', PUBSUB_EMULATOR_HOST: sharedPubSubHost ?? '', ...env },
        out: (text) => out!.push(text),
        err: (text) => err!.push(text),
      });
      return { code, out: out!.join(''), err: err!.join('') };
    };

    it('should make what is missing, and leave alone what is there', async () => {
      const id = freshRedisPrefix();
      const env = { PUBSUB_TOPIC: id, PUBSUB_SUBSCRIPTION: `${id}-worker` };
      expect(await run(['--exactly-once', '--max-delivery-attempts', '7'], env)).toEqual({
        code: 0,
        err: '',
        out: [
          `Created the topic ${id}.`,
          `Created the topic ${id}-dead-letters.`,
          `Created the subscription ${id}-worker.`,
          `Created the subscription ${id}-worker-dead-letters.`,
          '',
        ].join('\n'),
      });
      const [made] = await client.subscription(`${id}-worker`).getMetadata();
      expect(made).toMatchObject({
        enableExactlyOnceDelivery: true,
        deadLetterPolicy: {
          deadLetterTopic: `projects/segops-test/topics/${id}-dead-letters`,
          maxDeliveryAttempts: 7,
        },
        messageRetentionDuration: { seconds: String(7 * 86_400) },
        expirationPolicy: { ttl: null },
      });
      const again = await run(['--json'], env);
      expect(JSON.parse(again.out)).toEqual(
        expect.arrayContaining([{ kind: 'topic', id, isNew: false }, expect.objectContaining({ isNew: false })]),
      );
    });

    it.each([
      [['--max-delivery-attempts', '4'], {}, /whole number from 5 to 100/],
      [['--retention-days', 'x'], {}, /whole number from 1 to 31/],
      [[], { PUBSUB_PROJECT: '' }, /PUBSUB_PROJECT is not set.* Example: PUBSUB_PROJECT=my-project/],
      [[], { PUBSUB_TOPIC: 'a' }, /PUBSUB_TOPIC must be 3 to 240 letters/],
    ])('should say what is wrong with %j %j', async (words, env, problem) => {
      const { code, err } = await run(words, env);
      expect(code).toBe(1);
      expect(err).toMatch(problem);
    });
  });
});
