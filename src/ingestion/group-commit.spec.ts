import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import type { ApiError } from '../common/errors.js';
import { LmdbStore } from '../idempotency/lmdb/lmdb.store.js';
import { Retries } from '../idempotency/retries.service.js';
import { IdempotencyMetrics } from '../metrics/api.metrics.js';
import { StoreAccess } from '../idempotency/store.access.js';
import type { EventBatch } from '../transport/event-batch.js';
import { BatchRejectedError, EventTransport, TransportUnavailableError } from '../transport/event-transport.js';
import type { EncodedRows } from '../warehouse/encoded-rows.js';
import { GroupCommit } from './group-commit.js';

/** Holds every batch until the test says what becomes of it: here the moments matter, not the queue. */
class HeldTransport extends EventTransport {
  override get deadLetters(): never {
    throw new Error('not used');
  }

  readonly held: { batch: EventBatch; settle: (error?: Error) => void }[] = [];

  publish(batch: EventBatch): Promise<void> {
    return new Promise((resolve, reject) => {
      this.held.push({
        batch,
        settle: (error) => {
          if (error) reject(error);
          else resolve();
        },
      });
    });
  }

  get sizes(): number[] {
    return this.held.map(({ batch }) => batch.events);
  }

  consume(): never {
    throw new Error('not used');
  }

  status(): never {
    throw new Error('not used');
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

const rows = (events: number, bytes = events * 60, fill = 0): EncodedRows => ({
  bytes: Buffer.alloc(bytes, fill),
  events,
});
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('GroupCommit', () => {
  let transport: HeldTransport;
  let commits: GroupCommit;
  let folder: string;
  let store: LmdbStore;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'segops-group-'));
    store = LmdbStore.open(folder);
    transport = new HeldTransport();
    commits = new GroupCommit(
      transport,
      new Retries(store, new StoreAccess(store, new IdempotencyMetrics(new Registry()))),
    );
  });
  afterEach(async () => {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('should send a lone request in the same turn of the event loop', async () => {
    void commits.commit(rows(1));
    await turn();
    expect(transport.sizes).toEqual([1]);
  });

  it('should answer no request before its batch is durable', async () => {
    let answered = false;
    const answer = commits.commit(rows(1)).then(() => (answered = true));
    await turn();
    expect(answered).toBe(false);
    transport.held[0]!.settle();
    await answer;
    expect(answered).toBe(true);
  });

  it('should let requests of one turn share a batch', async () => {
    void commits.commit(rows(1));
    void commits.commit(rows(20));
    await turn();
    expect(transport.sizes).toEqual([21]);
  });

  it('should put the rows of the requests one after the other', async () => {
    void commits.commit(rows(1, 2, 1));
    void commits.commit(rows(2, 3, 2));
    await turn();
    expect([...transport.held[0]!.batch.rows]).toEqual([1, 1, 2, 2, 2]);
  });

  it('should gather requests while a batch is on its way, and send them when it is durable', async () => {
    for (const count of [1, 2, 3, 4]) {
      void commits.commit(rows(count));
      await turn();
    }
    expect(transport.sizes).toEqual([1]);
    transport.held[0]!.settle();
    await turn();
    expect(transport.sizes).toEqual([1, 9]);
  });

  it('should refuse only the request whose events the queue will never take, and store its neighbours', async () => {
    const answers = [rows(1), rows(2), rows(3)].map((each) =>
      commits.commit(each).then(
        () => 202,
        (error: unknown) => (error as ApiError).status,
      ),
    );
    await turn();
    transport.held[0]!.settle(new BatchRejectedError('too large'));
    await turn();
    expect(transport.sizes).toEqual([6, 1, 2, 3]);
    transport.held[1]!.settle();
    transport.held[2]!.settle(new BatchRejectedError('too large'));
    transport.held[3]!.settle();
    expect(await Promise.all(answers)).toEqual([202, 413, 202]);
    await commits.settled();
  });

  it.each([
    [false, 'none of this request was accepted'],
    [
      true,
      'may have the events of this request. Send the same request again, with the same Idempotency-Key or event_ids',
    ],
  ])('should say what is known of events that could not be queued (may be done: %s)', async (mayBeDone, said) => {
    const answer = commits.commit(rows(1));
    await turn();
    transport.held[0]!.settle(new TransportUnavailableError('no answer', { mayBeDone }));
    await expect(answer).rejects.toMatchObject({ status: 503, body: { detail: expect.stringContaining(said) } });
  });

  it('should send a full batch at once, whatever is on its way', async () => {
    for (let i = 0; i < 4; i++) void commits.commit(rows(5_000));
    expect(transport.sizes).toEqual([5_000, 5_000, 5_000, 5_000]);
    await turn();
    expect(transport.held).toHaveLength(4);
  });

  it('should send what is large at once, however few events it has', () => {
    void commits.commit(rows(1, 1024 * 1024));
    expect(transport.sizes).toEqual([1]);
  });

  it('should give every batch an id of its own', async () => {
    for (let i = 0; i < 3; i++) void commits.commit(rows(5_000));
    await turn();
    expect(new Set(transport.held.map(({ batch }) => batch.id)).size).toBe(3);
  });

  it('should answer 503 with Retry-After to every request of a batch that the queue refused, and to no other', async () => {
    const answer = (request: Promise<unknown>): Promise<unknown> =>
      request.then(
        () => 'accepted',
        (error: unknown) => error,
      );
    const answers = [answer(commits.commit(rows(1))), answer(commits.commit(rows(1)))];
    await turn();
    answers.push(answer(commits.commit(rows(1))));
    transport.held[0]!.settle(new TransportUnavailableError('Redis is away'));
    await turn();
    transport.held[1]!.settle();
    const refused = { status: 503, headers: { 'retry-after': '1' } };
    expect(await Promise.all(answers)).toMatchObject([refused, refused, 'accepted']);
  });

  it('should refuse more when too much waits for the queue, and accept again when it moved on', async () => {
    const accepted: Promise<unknown>[] = [];
    for (let i = 0; i < 64; i++) accepted.push(commits.commit(rows(1, 1024 * 1024 + 1)));
    await expect(commits.commit(rows(1))).rejects.toMatchObject({ status: 503 });
    for (const { settle } of transport.held) settle();
    await Promise.all(accepted);
    void commits.commit(rows(1));
    await turn();
    expect(transport.sizes.at(-1)).toBe(1);
  });
});
