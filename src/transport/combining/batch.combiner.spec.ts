import { uuid7 } from '../../common/uuid7.js';
import type { EventBatch } from '../event-batch.js';
import { BatchCombiner, type CombinableQueue } from './batch.combiner.js';

interface Item {
  readonly batch: EventBatch;
}

const itemOf = (bytes = 10, type = 'events.v1'): Item => ({
  batch: { id: uuid7(), type, events: 1, rows: new Uint8Array(bytes) },
});
const combine: CombinableQueue<Item>['combine'] = (_group, whole) => Promise.resolve({ batch: whole });
const MB = 1024 * 1024;

describe('BatchCombiner', () => {
  let handled: EventBatch[];
  let finish: (() => void)[];
  let combiner: BatchCombiner<Item>;

  /** Keeps every batch until the test finishes it. */
  const hold = ({ batch }: Item): Promise<void> => {
    handled.push(batch);
    return new Promise<void>((resolve) => finish.push(resolve));
  };
  const add = (items: readonly Item[]) => {
    for (const item of items) void combiner.add(item);
  };
  const sizes = () => handled.map(({ events }) => events);

  const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

  beforeEach(() => {
    jest.useFakeTimers();
    handled = [];
    finish = [];
    combiner = new BatchCombiner<Item>({ combine, handle: hold }, 8);
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  it('should let the first go at once, and those that follow together a moment later', async () => {
    const items = [itemOf(), itemOf(), itemOf(), itemOf()];
    add(items);
    await pass(0);
    expect(handled).toEqual([items[0]!.batch]);
    await pass(99);
    expect(handled).toHaveLength(1);
    await pass(1);
    expect(handled).toHaveLength(2);
    expect(handled[1]).toMatchObject({
      events: 3,
      combines: items.slice(1).map(({ batch: { id } }) => ({ id, events: 1, bytes: 10 })),
    });
  });

  it('should wait no longer once there are many', async () => {
    add(Array.from({ length: 9 }, () => itemOf()));
    await pass(0);
    expect(sizes()).toEqual([1, 8]);
  });

  it('should have two groups on their way at most, and take all that came meanwhile', async () => {
    add(Array.from({ length: 40 }, () => itemOf()));
    await pass(0);
    expect(sizes()).toEqual([1, 8]);
    finish[0]?.();
    await pass(0);
    expect(sizes()).toEqual([1, 8, 31]);
  });

  it('should make no batch of more bytes than an insert should have, unless one has them already', async () => {
    add([itemOf(), itemOf(20 * MB), itemOf(9 * MB), itemOf(9 * MB), itemOf()]);
    for (const i of [0, 1, 2, 3]) {
      await pass(100);
      finish[i]?.();
    }
    expect(handled.map(({ rows }) => rows.length)).toEqual([10, 20 * MB, 9 * MB, 9 * MB + 10]);
  });

  it('should make no batch of different types', async () => {
    add(['a', 'a', 'a', 'b', 'b', 'a'].map((type) => itemOf(10, type)));
    for (const i of [0, 1, 2, 3]) {
      await pass(100);
      finish[i]?.();
    }
    expect(handled.map(({ type, events }) => `${events} ${type}`)).toEqual(['1 a', '2 a', '2 b', '1 a']);
  });

  it('should handle each as it is where the queue does not combine them', async () => {
    const items = Array.from({ length: 9 }, () => itemOf());
    combiner = new BatchCombiner<Item>({ combine: () => Promise.resolve(undefined), handle: hold }, 8);
    add(items);
    await pass(0);
    expect(handled).toEqual(items.map(({ batch }) => batch));
  });

  it('should reject all when nobody knows whether they were combined, and go on', async () => {
    let failures = 1;
    combiner = new BatchCombiner<Item>(
      {
        combine: (group, whole) => (failures-- > 0 ? Promise.reject(new Error('no answer')) : combine(group, whole)),
        handle: () => Promise.resolve(),
      },
      8,
    );
    const addMany = (count: number) =>
      Promise.allSettled(Array.from({ length: count }, () => combiner.add(itemOf()))).then((results) =>
        results.map(({ status }) => status),
      );
    expect(await addMany(9)).toEqual(['fulfilled', ...Array.from({ length: 8 }, () => 'rejected')]);
    const again = addMany(9);
    await pass(100);
    expect(await again).toEqual(Array.from({ length: 9 }, () => 'fulfilled'));
  });

  it('should wait for nothing when it is in a hurry', async () => {
    add([itemOf(), itemOf()]);
    await pass(0);
    expect(sizes()).toEqual([1]);
    combiner.hurry();
    await pass(0);
    expect(sizes()).toEqual([1, 1]);
  });
});
