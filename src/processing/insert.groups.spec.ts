import { uuid7 } from '../common/uuid7.js';
import type { Delivery } from '../transport/event-batch.js';
import { STORED } from '../transport/event-transport.js';
import { BatchRefusedError } from '../warehouse/warehouse.errors.js';
import { type InsertGroup, InsertGroups } from './insert.groups.js';

const MB = 1024 * 1024;
const deliveryOf = (bytes = 10, type = 'events.v1', isFirst = true): Delivery => ({
  batch: { id: uuid7(), type, events: 1, rows: new Uint8Array(bytes) },
  isFirst,
});

describe('InsertGroups', () => {
  let inserts: InsertGroup[];
  let ends: { succeed: () => void; fail: (error: Error) => void }[];
  let groups: InsertGroups;
  const bisect = jest.fn();

  const addAll = (deliveries: readonly Delivery[]) => deliveries.map((delivery) => groups.add(delivery));
  const sizes = () => inserts.map(({ batches }) => batches.length);
  const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

  beforeEach(() => {
    jest.useFakeTimers();
    inserts = [];
    ends = [];
    bisect.mockReset();
    // Keeps every insert until the test ends it.
    const insert = (group: InsertGroup): Promise<void> => {
      inserts.push(group);
      return new Promise<void>((succeed, fail) => ends.push({ succeed, fail }));
    };
    groups = new InsertGroups({ insert, bisect }, 8);
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('should let the first go at once, and those that follow together a moment later', async () => {
    const deliveries = [deliveryOf(), deliveryOf(), deliveryOf(), deliveryOf()];
    void addAll(deliveries);
    await pass(0);
    expect(sizes()).toEqual([1]);
    await pass(99);
    expect(sizes()).toEqual([1]);
    await pass(1);
    expect(inserts[1]).toEqual({ batches: deliveries.slice(1).map(({ batch }) => batch), isFirst: true });
  });

  it('should wait no longer once there are many', async () => {
    void addAll(Array.from({ length: 9 }, () => deliveryOf()));
    await pass(0);
    expect(sizes()).toEqual([1, 8]);
  });

  it('should have two inserts at a time at most, and take all that came meanwhile', async () => {
    void addAll(Array.from({ length: 40 }, () => deliveryOf()));
    await pass(0);
    expect(sizes()).toEqual([1, 8]);
    ends[0]?.succeed();
    await pass(0);
    expect(sizes()).toEqual([1, 8, 31]);
  });

  it('should make no insert of more bytes than ClickHouse takes as one block, unless a batch has them already', async () => {
    void addAll([deliveryOf(), deliveryOf(20 * MB), deliveryOf(9 * MB), deliveryOf(9 * MB), deliveryOf()]);
    for (const i of [0, 1, 2, 3]) {
      await pass(100);
      ends[i]?.succeed();
    }
    const bytes = inserts.map(({ batches }) => batches.reduce((sum, { rows }) => sum + rows.length, 0));
    expect(bytes).toEqual([10, 20 * MB, 9 * MB + 10, 9 * MB]);
  });

  it('should put batches together that are of one type and one freshness', async () => {
    void addAll([
      ...['a', 'a', 'b', 'b', 'a'].map((type) => deliveryOf(10, type)),
      ...[false, true, false].map((isFirst) => deliveryOf(10, 'a', isFirst)),
    ]);
    for (const i of [0, 1, 2, 3]) {
      await pass(100);
      ends[i]?.succeed();
    }
    const seen = inserts.map(({ batches, isFirst }) => `${batches.length} ${batches[0]!.type} ${isFirst}`);
    expect(seen).toEqual(['1 a true', '3 a true', '2 b true', '2 a false']);
  });

  it('should tell all of a group what became of the insert, and go on', async () => {
    const outcomes = Promise.allSettled(addAll(Array.from({ length: 9 }, () => deliveryOf())));
    await pass(0);
    ends[0]?.succeed();
    ends[1]?.fail(new Error('no answer'));
    expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', ...Array(8).fill('rejected')]);
    const [next] = addAll([deliveryOf()]);
    await pass(100);
    ends[2]?.succeed();
    expect(await next).toEqual(STORED);
  });

  it('should tell each batch of a refused insert its own dead letters, and let others go meanwhile', async () => {
    const deliveries = Array.from({ length: 9 }, () => deliveryOf());
    const refusal = new BatchRefusedError('469', 'VIOLATED_CONSTRAINT');
    const bad = deliveries[3]!.batch;
    const letter = { batch: bad, tenantId: 'acme', reason: 'refused' };
    let found: (letters: ReadonlyMap<string, unknown>) => void = () => undefined;
    bisect.mockReturnValue(new Promise((resolve) => (found = resolve)));
    const outcomes = Promise.all(addAll(deliveries));
    await pass(0);
    ends[0]?.succeed();
    ends[1]?.fail(refusal);
    await pass(0);
    expect(bisect).toHaveBeenCalledWith(inserts[1], refusal);
    void addAll([deliveryOf(), deliveryOf()]);
    await pass(100);
    expect(sizes()).toEqual([1, 8, 2]);
    found(new Map([[bad.id, [letter]]]));
    expect(await outcomes).toEqual(deliveries.map(({ batch }) => (batch === bad ? { deadLetters: [letter] } : STORED)));
  });

  it('should wait for nothing when it is in a hurry', async () => {
    void addAll([deliveryOf(), deliveryOf()]);
    await pass(0);
    expect(sizes()).toEqual([1]);
    groups.hurry();
    await pass(0);
    expect(sizes()).toEqual([1, 1]);
  });
});
