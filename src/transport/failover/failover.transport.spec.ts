import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { waitUntil } from '../../../test/support/wait-until.js';
import { formatUuid, uuid7 } from '../../common/uuid7.js';
import { RedisServer } from '../../embedded/redis.server.js';
import { drawSeed, formatSeed, type Seed, seededId } from '../../idempotency/seed.js';
import { EventRowEncoder } from '../../warehouse/event-row.encoder.js';
import { replaceIds } from '../../warehouse/event-row.reader.js';
import { BullMqTransport } from '../bullmq/bullmq.transport.js';
import type { EventBatch } from '../event-batch.js';
import { BatchRejectedError, type Consumption, STORED, TransportUnavailableError } from '../event-transport.js';
import { adoptAbandoned } from '../spool/spool.folder.js';
import { SpoolStore } from '../spool/spool.store.js';
import { FailoverTransport } from './failover.transport.js';

const MB = 1024 * 1024;
const newBatch = (bytes = 100): EventBatch => ({
  id: uuid7(),
  type: 'events.v1',
  events: 1,
  rows: Buffer.alloc(bytes, 1),
});
const idsOf = (batches: readonly EventBatch[]) => batches.map(({ id }) => id);

/** On a real Redis that is killed and frozen. */
describe('FailoverTransport', () => {
  let folder: string;
  let redis: RedisServer;
  let store: SpoolStore;
  let transport: FailoverTransport;
  let consumption: Consumption | undefined;
  let delivered: string[];

  /** With what another process may have left beside it. */
  const spool = () => ({
    store,
    adoptAbandoned: (take: (batch: EventBatch) => Promise<void>) => adoptAbandoned(join(folder, 'others'), take),
  });
  const open = (maxBytes = 10 * MB): void => {
    store = new SpoolStore(join(folder, 'spool', '0'), { maxBytes, minFreeBytes: 0 });
    transport = new FailoverTransport(new BullMqTransport({ redisUrl: redis.url, prefix: 'failover' }), spool());
  };
  const close = async (): Promise<void> => {
    await transport.close();
    await store.close();
  };
  const untilReady = () => waitUntil(() => transport.status().then(Boolean, () => false));
  const consume = async (): Promise<void> => {
    consumption = await transport.consume(
      ({ batch: { id } }) => {
        delivered.push(id);
        return Promise.resolve(STORED);
      },
      { concurrency: 1 },
    );
  };
  const restartRedis = async (): Promise<void> => {
    redis = await RedisServer.start({ dataDir: join(folder, 'redis'), port: redis.port });
  };

  beforeEach(async () => {
    for (const level of ['log', 'warn', 'error'] as const) jest.spyOn(Logger.prototype, level).mockImplementation();
    folder = await mkdtemp(join(tmpdir(), 'segops-failover-'));
    await mkdir(join(folder, 'others'));
    redis = await RedisServer.start({ dataDir: join(folder, 'redis') });
    delivered = [];
    consumption = undefined;
    open();
    await untilReady();
  });
  afterEach(async () => {
    await consumption?.close();
    await close();
    await redis.stop();
    await rm(folder, { recursive: true, force: true });
    jest.restoreAllMocks();
  });

  it('should leave the spool alone while the broker takes batches', async () => {
    await transport.publish(newBatch());
    expect(store.size).toBe(0);
    expect((await transport.status()).pending).toBe(1);
  });

  it('should take batches while the broker is dead, and pass each on once, in order, when it is back', async () => {
    const batches = Array.from({ length: 50 }, () => newBatch());
    await transport.publish(batches[0]!);
    await redis.kill();
    for (const batch of batches.slice(1)) await transport.publish(batch);
    expect(store.size).toBe(49);
    await restartRedis();
    await waitUntil(() => store.size === 0, { timeoutMs: 15_000 });
    await consume();
    await waitUntil(() => delivered.length === 50);
    expect(new Set(delivered)).toEqual(new Set(idsOf(batches)));
    // Four at a time are on their way, so neighbours may change places and no more.
    delivered.forEach((id, place) => {
      expect(Math.abs(batches.findIndex((batch) => batch.id === id) - place)).toBeLessThan(4);
    });
  });

  it('should ask a frozen broker once, and spool what comes after that without asking', async () => {
    process.kill(redis.pid, 'SIGSTOP');
    const asked = jest.spyOn(BullMqTransport.prototype, 'publish');
    const batches = Array.from({ length: 11 }, () => newBatch());
    for (const batch of batches) await transport.publish(batch);
    expect(store.size).toBe(11);
    // The drain tries again what is spooled, and says so.
    const live = asked.mock.calls.map(([batch]) => batch).filter(({ mayBeRepeated }) => mayBeRepeated !== true);
    expect(live).toEqual([batches[0]]);
    process.kill(redis.pid, 'SIGCONT');
    await waitUntil(() => store.size === 0, { timeoutMs: 15_000 });
  });

  it('should let live batches go straight to the broker while the spool is drained', async () => {
    await redis.kill();
    const old = Array.from({ length: 400 }, () => newBatch(16 * 1024));
    await Promise.all(old.map((batch) => transport.publish(batch)));
    await consume();
    await restartRedis();
    await waitUntil(() => store.size < 390, { timeoutMs: 15_000, everyMs: 1 });
    const live = newBatch();
    await transport.publish(live);
    const left = store.size;
    await waitUntil(() => delivered.includes(live.id), { everyMs: 1 });
    expect(left).toBeGreaterThan(0);
    expect(store.size).toBeGreaterThan(0);
    await waitUntil(() => new Set(delivered).size === 401, { timeoutMs: 30_000 });
  });

  it('should refuse what does not fit, keep what it took, and take batches again when there is room', async () => {
    await close();
    open(MB);
    await redis.kill();
    const taken: string[] = [];
    const refusals: unknown[] = [];
    for (let i = 0; i < 20; i++) {
      const batch = newBatch(100 * 1024);
      await transport.publish(batch).then(
        () => taken.push(batch.id),
        (error: unknown) => refusals.push(error),
      );
    }
    expect(taken.length).toBeGreaterThan(5);
    expect(store.bytes).toBeLessThanOrEqual(MB);
    expect(refusals.length).toBe(20 - taken.length);
    for (const refusal of refusals) expect(refusal).toBeInstanceOf(TransportUnavailableError);
    await restartRedis();
    await consume();
    await waitUntil(() => new Set(delivered).size === taken.length, { timeoutMs: 15_000 });
    expect(new Set(delivered)).toEqual(new Set(taken));
    await transport.publish(newBatch());
  });

  it('should come back by itself from an outage in which it could not take anything', async () => {
    await close();
    store = new SpoolStore(join(folder, 'spool', '0'), { maxBytes: 10 * MB, minFreeBytes: Number.MAX_SAFE_INTEGER });
    transport = new FailoverTransport(new BullMqTransport({ redisUrl: redis.url, prefix: 'failover' }), spool());
    await untilReady();
    await redis.kill();
    await expect(transport.publish(newBatch())).rejects.toThrow('disk has less than');
    await restartRedis();
    await waitUntil(
      () =>
        transport.publish(newBatch()).then(
          () => true,
          () => false,
        ),
      { timeoutMs: 15_000 },
    );
    expect(store.size).toBe(0);
  });

  it('should make a dead letter of what the broker will never take, and pass on the others', async () => {
    const admin = new Redis(redis.url);
    await admin.config('SET', 'proto-max-bulk-len', String(MB));
    admin.disconnect();
    await close();
    open();
    // By then Redis has told its limit.
    await waitUntil(async () => (await transport.status().catch(() => undefined))?.isDurable !== undefined);
    await expect(transport.publish(newBatch(MB + 1))).rejects.toThrow(BatchRejectedError);
    const batches = [newBatch(), newBatch(MB + 1), newBatch(MB + 1), newBatch(), newBatch()];
    const tooLarge = batches.filter(({ rows }) => rows.length > MB);
    for (const batch of batches) await store.append(batch);
    await close();
    open();
    await waitUntil(() => store.size === 0);
    await consume();
    await waitUntil(() => delivered.length === 3);
    expect(new Set(delivered)).toEqual(new Set(idsOf(batches.filter((batch) => !tooLarge.includes(batch)))));
    const letters = await transport.deadLetters.list({ limit: 10 });
    expect(letters.map(({ id }) => id).sort()).toEqual(idsOf(tooLarge).sort());
    await transport.publish(newBatch());
  });

  it('should recognise the retry of a request that a process spooled before it died', async () => {
    const [first, retry] = ['first', 'retry'].map((seed) => ({
      fingerprint: 'acme:track:a',
      seed,
      receivedAt: Date.now(),
    }));
    await redis.kill();
    expect(await transport.publish(newBatch(), { notes: [first!] })).toEqual([]);
    await close();
    await restartRedis();
    open();
    await untilReady();
    await waitUntil(async () => (await transport.publish(newBatch(), { notes: [retry!] })).length > 0);
    expect(await transport.publish(newBatch(), { notes: [retry!] })).toEqual([
      { fingerprint: first!.fingerprint, seed: first!.seed },
    ]);
    expect(await transport.publish(newBatch(), { notes: [first!] })).toEqual([]);
    await transport.forget([first!]);
    expect(await transport.publish(newBatch(), { notes: [{ ...retry!, seed: 'later' }] })).toEqual([]);
  });

  it('should give what it spooled the ids of the attempt that another process died over, once the broker tells of it', async () => {
    const [first, retry] = [drawSeed(), drawSeed()];
    const batchOf = (seed: Seed): EventBatch => {
      const encoder = new EventRowEncoder();
      for (const [index, eventId] of ['', 'own', ''].entries()) {
        encoder.append({
          ...{
            tenantId: 'acme',
            id: seededId(seed, index),
            eventType: 'page_viewed',
            userId: 'u-1',
            anonymousId: '',
            eventId,
          },
          ...{ occurredAt: 0, receivedAt: 0, payload: Buffer.from('{}') },
        });
      }
      return { ...newBatch(), events: 3, rows: encoder.take() };
    };
    const note = (seed: Seed, receivedAt: number) => ({
      fingerprint: 'acme:track:a',
      seed: formatSeed(seed),
      receivedAt,
    });
    const another = new BullMqTransport({ redisUrl: redis.url, prefix: 'failover' });
    await waitUntil(() => another.status().then(Boolean, () => false));
    await another.publish(batchOf(first), { notes: [note(first, Date.now() - 1_000)] });
    await another.close();
    await redis.kill();
    await transport.publish(batchOf(retry), { notes: [note(retry, Date.now())] });
    expect(store.size).toBe(1);
    await restartRedis();
    await waitUntil(() => store.size === 0, { timeoutMs: 15_000 });
    const ids = (rows: Uint8Array) => {
      const found: string[] = [];
      replaceIds(Buffer.from(rows), (id) => (found.push(formatUuid(id)), id));
      return found;
    };
    const seen: string[][] = [];
    consumption = await transport.consume(
      ({ batch: { rows }, isFirst }) => {
        seen.push([String(isFirst), ...ids(rows)]);
        return Promise.resolve(STORED);
      },
      { concurrency: 1 },
    );
    await waitUntil(async () => (await transport.status()).pending === 0);
    const expected = ids(batchOf(first).rows);
    expect(seen.sort()).toEqual([
      ['false', ...expected],
      ['true', ...expected],
    ]);
  });

  it('should go on with what is left from before a restart', async () => {
    await redis.kill();
    const batches = Array.from({ length: 5 }, () => newBatch());
    for (const batch of batches) await transport.publish(batch);
    await close();
    await restartRedis();
    open();
    await consume();
    await waitUntil(() => new Set(delivered).size === 5, { timeoutMs: 15_000 });
    expect(new Set(delivered)).toEqual(new Set(idsOf(batches)));
  });

  it('should empty the spool before it ends, when the broker is there', async () => {
    await redis.kill();
    for (let i = 0; i < 20; i++) await transport.publish(newBatch());
    await restartRedis();
    await waitUntil(() => store.size < 20, { timeoutMs: 15_000, everyMs: 1 });
    await transport.close();
    expect(store.size).toBe(0);
  });

  it('should pass on what a process left that is gone', async () => {
    await close();
    const left = new SpoolStore(join(folder, 'others', '3'), { maxBytes: MB, minFreeBytes: 0 });
    const batch = newBatch();
    await left.append(batch);
    await left.close();
    open();
    await consume();
    await waitUntil(() => delivered.includes(batch.id), { timeoutMs: 15_000 });
    await waitUntil(() => !existsSync(join(folder, 'others', '3')));
  });
});
