import { EventEmitter } from 'node:events';
import type { ApiError } from '../common/errors.js';
import { type Answer, Attempt } from '../idempotency/attempt.js';
import { Retries } from '../idempotency/retries.service.js';
import { formatSeed, drawSeed, seededId } from '../idempotency/seed.js';
import type { EventBatch } from '../transport/event-batch.js';
import { BatchRejectedError, EventTransport, TransportUnavailableError } from '../transport/event-transport.js';
import type { PublishOptions, RetryNote } from '../transport/retry-notes.js';
import { type EncodedRows, EventRowEncoder } from '../warehouse/event-row.encoder.js';
import { encodedEvents } from '../warehouse/event-row.reader.js';
import { readUuid } from '../warehouse/encoded-uuid.js';
import { GroupCommit } from './group-commit.js';

/** Holds every batch until the test says what becomes of it: here the moments matter, not the queue. */
class HeldTransport extends EventTransport {
  override get deadLetters(): never {
    throw new Error('not used');
  }

  readonly held: {
    batch: EventBatch;
    options: PublishOptions | undefined;
    settle: (answer?: Error | readonly RetryNote[]) => void;
  }[] = [];

  publish(batch: EventBatch, options?: PublishOptions): Promise<readonly RetryNote[]> {
    return new Promise((resolve, reject) => {
      this.held.push({
        batch,
        options,
        settle: (answer = []) => {
          if (answer instanceof Error) reject(answer);
          else resolve(answer);
        },
      });
    });
  }

  forget(): Promise<void> {
    return Promise.resolve();
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
  let retries: Retries;

  beforeEach(() => {
    transport = new HeldTransport();
    retries = new Retries(transport);
    commits = new GroupCommit(transport, retries);
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

  describe('of requests whose retries are to be recognised', () => {
    const answer = () => Object.assign(new EventEmitter(), { writableFinished: false, statusCode: 202 });
    const attemptOf = (body: string, of = answer()): Attempt =>
      new Attempt(
        {
          tenantId: 'acme',
          caller: { apiKeyId: 'k', sessionId: undefined },
          route: 'track',
          uid: undefined,
          body: Buffer.from(body),
        },
        of as unknown as Answer,
      );
    const rowOf = (attempt: Attempt, eventId = ''): EncodedRows => {
      const encoder = new EventRowEncoder();
      encoder.append({
        ...{ tenantId: 'acme', id: seededId(attempt.seed, 0), eventType: 'e', userId: 'u', anonymousId: '', eventId },
        ...{ occurredAt: 0, receivedAt: 0, payload: Buffer.from('{}') },
      });
      return { bytes: encoder.take(), events: 1 };
    };
    /** tenant_id, event_type and user_id take 5 + 2 + 2 bytes. */
    const idsIn = ({ rows: bytes }: EventBatch) =>
      encodedEvents(bytes)!.map(({ row }) => Buffer.from(readUuid(row, 9)).toString('hex'));
    const commit = (attempt: Attempt, row = rowOf(attempt)) => {
      retries.claim(attempt);
      return commits.commit(row, attempt);
    };

    it('should publish the notes of all, and leave the batch unmarked', async () => {
      const attempts = [attemptOf('a'), attemptOf('b')];
      for (const attempt of attempts) void commit(attempt);
      void commits.commit(rows(1));
      await turn();
      const [{ batch, options }] = transport.held as [(typeof transport.held)[0]];
      expect(options?.notes).toEqual(attempts.map(({ note }) => note));
      expect(batch.mayBeRepeated).toBeUndefined();
    });

    it('should publish the group again with the ids of an older attempt, as one that may be repeated', async () => {
      const [retry, twin, other] = [attemptOf('a'), attemptOf('a'), attemptOf('b')];
      const answers = [retry, twin, other].map((attempt) => commit(attempt));
      await turn();
      const seed = formatSeed(drawSeed());
      transport.held[0]!.settle([{ fingerprint: retry.fingerprint, seed }]);
      await turn();
      const [first, second] = transport.held.map(({ batch }) => batch);
      expect(second).toMatchObject({ mayBeRepeated: true, events: 3 });
      expect(second!.id).not.toBe(first!.id);
      // Of two equal requests one is the retry.
      expect([formatSeed(retry.seed), twin.isRetry]).toEqual([seed, false]);
      expect(idsIn(second!)).toEqual(
        [retry, twin, other].map((attempt) => Buffer.from(seededId(attempt.seed, 0)).toString('hex')),
      );
      expect(idsIn(second!).slice(1)).toEqual(idsIn(first!).slice(1));
      transport.held[1]!.settle();
      await Promise.all(answers);
    });

    it('should let no request wait for ever for notes that change', async () => {
      const attempt = attemptOf('a');
      const committed = commit(attempt);
      for (let i = 0; i < 3; i++) {
        await turn();
        transport.held[i]!.settle([{ fingerprint: attempt.fingerprint, seed: formatSeed(drawSeed()) }]);
      }
      await turn();
      expect(transport.held[3]!.options?.notes).toEqual([]);
      transport.held[3]!.settle();
      await committed;
    });

    it('should take over from an attempt of this process that broke off, at once, and mark the batch', async () => {
      const lost = answer();
      const [first, second] = [attemptOf('a', lost), attemptOf('a')];
      void commit(first).catch(() => undefined);
      await turn();
      lost.emit('close');
      retries.claim(second);
      expect([second.isRetry, second.seed]).toEqual([true, first.seed]);
      void commits.commit(rowOf(second), second);
      transport.held[0]!.settle();
      await turn();
      expect(transport.held[1]!.batch.mayBeRepeated).toBe(true);
    });

    it('should tell with the next batch which requests are answered, and again when it was not taken', async () => {
      const done = answer();
      const attempt = attemptOf('a', done);
      const committed = commit(attempt);
      await turn();
      transport.held[0]!.settle();
      await committed;
      done.writableFinished = true;
      done.emit('close');
      const failing = commits.commit(rows(1));
      await turn();
      expect(transport.held[1]!.options?.answered).toEqual([attempt.note]);
      transport.held[1]!.settle(new TransportUnavailableError('away'));
      await expect(failing).rejects.toMatchObject({ status: 503 });
      void commits.commit(rows(1));
      await turn();
      expect(transport.held[2]!.options?.answered).toEqual([attempt.note]);
    });
  });
});
