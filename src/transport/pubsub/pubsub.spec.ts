import { Message, type PubSub } from '@google-cloud/pubsub';
import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { describeOnPubSub, freshPubSubNames, sharedPubSubHost } from '../../../test/support/pubsub.js';
import { freshRedisPrefix, sharedRedisUrl } from '../../../test/support/servers.js';
import { waitUntil } from '../../../test/support/wait-until.js';
import { uuid7 } from '../../common/uuid7.js';
import type { EventBatch } from '../event-batch.js';
import { type BatchHandler, type Consumption, STORED } from '../event-transport.js';
import { RedisDeadLetters } from '../redis/redis.dead-letters.js';
import { BacklogCount } from './backlog.count.js';
import { createPubSubClient } from './pubsub.client.js';
import { deadLetterSubscriptionOf, type PubSubNames } from './pubsub.names.js';
import type { ResourceOptions } from './pubsub.resources.js';
import { PubSubTransport } from './pubsub.transport.js';

const DAY_MS = 24 * 60 * 60 * 1000;

const newBatch = (id = uuid7()): EventBatch => ({ id, type: 'events.v1', events: 1, rows: Buffer.from('rows') });

/** What is Pub/Sub's own; what every transport promises is in test/contract. */
describeOnPubSub('PubSubTransport', () => {
  let names: PubSubNames;
  let prefix: string;
  let client: PubSub;
  let transport: PubSubTransport;
  let consumption: Consumption | undefined;
  let logged: jest.SpyInstance;

  const open = async (options: Partial<ResourceOptions> = {}): Promise<void> => {
    names = await freshPubSubNames(options);
    client = createPubSubClient({ projectId: names.projectId, emulatorHost: sharedPubSubHost });
    transport = new PubSubTransport({ ...names, emulatorHost: sharedPubSubHost, redisUrl: sharedRedisUrl(), prefix });
    await waitUntil(async () => (await transport.status()).pending !== undefined);
  };
  const consume = async (handler: BatchHandler): Promise<void> => {
    consumption = await transport.consume(handler, { concurrency: 1 });
  };

  beforeEach(() => {
    prefix = freshRedisPrefix();
    consumption = undefined;
    logged = jest.spyOn(Logger.prototype, 'error').mockImplementation();
    jest.spyOn(Logger.prototype, 'warn').mockImplementation();
  });
  afterEach(async () => {
    await consumption?.close();
    await transport.close();
    await client.close();
    jest.restoreAllMocks();
  });

  it('should extend the lease of a batch for as long as it takes', async () => {
    // The library extends leases after a random part of their time.
    jest.spyOn(Math, 'random').mockReturnValue(0.01);
    const leases = jest.spyOn(Message.prototype, 'modAck');
    const untilExtended = (times: number) => {
      const { length } = leases.mock.calls;
      return waitUntil(() => leases.mock.calls.length >= length + times);
    };
    await open();
    const delivered: string[] = [];
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    await consume(async ({ batch: { id } }) => {
      delivered.push(id);
      await finished;
      return STORED;
    });
    const [batch, next] = [newBatch(), newBatch()];
    await transport.publish(batch);
    await untilExtended(3);
    const now = Date.now.bind(Date);
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => now() + 6 * DAY_MS);
    await untilExtended(3);
    // The deadlines of requests go by it too.
    clock.mockRestore();
    expect(leases.mock.calls.every(([seconds]) => seconds >= 10)).toBe(true);
    finish();
    await waitUntil(async () => (await transport.status()).pending === 0);
    await transport.publish(next);
    await waitUntil(() => delivered.includes(next.id));
    expect(delivered).toEqual([batch.id, next.id]);
  });

  it('should take what Pub/Sub has given up to the dead letters, from where it can be replayed', async () => {
    await open({ maxDeliveryAttempts: 5 });
    const batch = newBatch();
    await transport.publish(batch);
    // What a worker that dies over it each time looks like to Pub/Sub.
    const attempts = await refuseEachTime(client, names.subscription, 5);
    expect(attempts).toEqual([1, 2, 3, 4, 5]);

    const delivered: string[] = [];
    await consume(({ batch: { id } }) => {
      delivered.push(id);
      return Promise.resolve(STORED);
    });
    await waitUntil(async () => (await transport.deadLetters.get(batch.id)) !== undefined, { timeoutMs: 20_000 });
    expect(await transport.deadLetters.list({ limit: 10 })).toEqual([
      expect.objectContaining({ id: batch.id, reason: expect.stringContaining('never finished') as string }),
    ]);
    expect(await transport.status()).toMatchObject({ pending: 0 });
    expect(delivered).toEqual([]);
    await transport.deadLetters.replay(batch.id);
    await waitUntil(() => delivered.includes(batch.id));
  });

  it('should leave a message that is no batch, say so, and let batches pass', async () => {
    await open();
    await client.topic(names.topic).publishMessage({ data: Buffer.from('hello') });
    const stored: string[] = [];
    await consume(({ batch: { id } }) => {
      stored.push(id);
      return Promise.resolve(STORED);
    });
    await waitUntil(() => logged.mock.calls.length > 0);
    expect(logged).toHaveBeenCalledWith(expect.stringContaining('does not hold a batch of events'));
    const batch = newBatch();
    await transport.publish(batch);
    await waitUntil(() => stored.includes(batch.id));
    expect(stored).toEqual([batch.id]);
  });

  it('should confirm the end of a batch where Pub/Sub delivers exactly once', async () => {
    await open({ exactlyOnce: true });
    const batches = Array.from({ length: 20 }, () => newBatch());
    const deliveries = new Map<string, number>();
    await consume(({ batch: { id } }) => {
      deliveries.set(id, (deliveries.get(id) ?? 0) + 1);
      return Promise.resolve(STORED);
    });
    await Promise.all(batches.map((batch) => transport.publish(batch)));
    await waitUntil(async () => deliveries.size === batches.length && (await transport.status()).pending === 0);
    await consumption?.close();
    const stored = new Map(deliveries);
    // To the next worker nothing comes again of what the first one has finished.
    await consume(({ batch: { id } }) => {
      deliveries.set(id, (deliveries.get(id) ?? 0) + 1);
      return Promise.resolve(STORED);
    });
    const next = newBatch();
    await transport.publish(next);
    await waitUntil(() => deliveries.has(next.id));
    expect([...deliveries]).toEqual([...stored, [next.id, 1]]);
    expect([...stored.values()]).toEqual(batches.map(() => 1));
  });

  it('should say what to do when the subscription is gone, and go on when there is one again', async () => {
    await open();
    const stored: string[] = [];
    await client.subscription(names.subscription).delete();
    await consume(({ batch: { id } }) => {
      stored.push(id);
      return Promise.resolve(STORED);
    });
    await waitUntil(() => logged.mock.calls.some(([line]) => String(line).includes('Run: segops pubsub create')));
    await client.createSubscription(names.topic, names.subscription);
    const batch = newBatch();
    await transport.publish(batch);
    await waitUntil(() => stored.includes(batch.id), { timeoutMs: 20_000 });
  });

  it('should say that the topic is gone, to publishers and in its status', async () => {
    await open();
    await client.topic(names.topic).delete();
    await waitUntil(() =>
      transport.status().then(
        () => false,
        (error: unknown) => String(error).includes('Run: segops pubsub create'),
      ),
    );
    await expect(transport.publish(newBatch())).rejects.toThrow(/NOT_FOUND.*Run: segops pubsub create/);
  });

  it('should count what was published before there was any worker', async () => {
    await open();
    await Promise.all(Array.from({ length: 3 }, () => transport.publish(newBatch())));
    // Its first heartbeats, while nothing has reached it.
    await client.subscription(names.subscription).delete();
    await consume(() => Promise.resolve(STORED));
    await waitUntil(async () => (await transport.status()).consumers === 1);
    expect(await transport.status()).toMatchObject({ consumers: 1, pending: 3 });
  });

  it('should count nothing that waits once all workers were idle for a while, whatever was counted before', async () => {
    await open();
    const redis = new Redis(sharedRedisUrl());
    const key = (name: string) => `${prefix}:pubsub:segops:${name}`;
    const backlogCount = new BacklogCount(redis, (name) => `${prefix}:pubsub:${name}`);
    const beat = () => backlogCount.beat('an idle worker', { hasFinished: false, isBusy: false });
    try {
      // What a worker leaves that dies between a batch's end and its count.
      await redis.hincrby(key('backlog'), String(Math.floor(Date.now() / 1000) - 100), 3);
      expect(await transport.status()).toMatchObject({ pending: 3 });
      await redis.set(key('busy'), Date.now() - 20_000);
      await beat();
      expect(await transport.status()).toMatchObject({ pending: 3 });
      await redis.set(key('busy'), Date.now() - 36_000);
      await beat();
      expect(await transport.status()).toMatchObject({ pending: 0 });
    } finally {
      redis.disconnect();
    }
  });

  it('should leave dead letters in Pub/Sub while they cannot be written down', async () => {
    await open({ maxDeliveryAttempts: 5 });
    const away = new PubSubTransport({
      ...names,
      ...{ emulatorHost: sharedPubSubHost, redisUrl: 'redis://127.0.0.1:1', prefix },
    });
    try {
      const batch = newBatch();
      await away.publish(batch);
      expect(await away.status()).toEqual({
        consumers: undefined,
        pending: undefined,
        oldestPendingMs: undefined,
        lastFinishedMsAgo: undefined,
      });
      await refuseEachTime(client, names.subscription, 5);
      const attempts = jest.spyOn(RedisDeadLetters.prototype, 'add');
      const failing = await away.consume(() => Promise.resolve(STORED), { concurrency: 1 });
      await waitUntil(() => attempts.mock.calls.length > 0, { timeoutMs: 20_000 });
      await failing.close();
      await consume(() => Promise.resolve(STORED));
      await waitUntil(async () => (await transport.deadLetters.get(batch.id)) !== undefined, { timeoutMs: 20_000 });
      expect(deadLetterSubscriptionOf(names)).toContain(names.subscription);
    } finally {
      await away.close();
    }
  });
});

/** @returns the attempts as Pub/Sub counts them */
async function refuseEachTime(client: PubSub, subscription: string, times: number): Promise<number[]> {
  const reader = client.subscription(subscription);
  const attempts: number[] = [];
  reader.on('message', (message) => {
    attempts.push(message.deliveryAttempt);
    message.nack();
  });
  await waitUntil(() => attempts.length === times, { timeoutMs: 20_000 });
  await reader.close();
  return attempts;
}
