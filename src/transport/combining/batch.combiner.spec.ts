import { setTimeout as sleep } from 'node:timers/promises';
import { uuid7 } from '../../common/uuid7.js';
import type { EventBatch } from '../event-batch.js';
import { BatchGatherer, type Group } from './batch.gatherer.js';

interface Item {
  readonly batch: EventBatch;
}

const itemOf = (bytes = 10, type = 'events.v1'): Item => ({
  batch: { id: uuid7(), type, events: 1, rows: new Uint8Array(bytes) },
});
const MB = 1024 * 1024;

describe('BatchGatherer', () => {
  let groups: Item[][];
  let finish: (() => void)[];
  let gatherer: BatchGatherer<Item>;

  /** Keeps every group until the test finishes it. */
  const hold = (group: Group<Item>): Promise<void>[] => {
    groups.push([...group]);
    const done = new Promise<void>((resolve) => finish.push(resolve));
    return group.map(() => done);
  };
  const add = (items: readonly Item[]) => {
    for (const item of items) void gatherer.add(item);
  };

  beforeEach(() => {
    groups = [];
    finish = [];
    gatherer = new BatchGatherer(hold, 8);
  });

  it('should let the first go at once, and those that follow together a moment later', async () => {
    const items = [itemOf(), itemOf(), itemOf(), itemOf()];
    add(items);
    expect(groups).toEqual([[items[0]]]);
    await sleep(150);
    expect(groups).toEqual([[items[0]], items.slice(1)]);
  });

  it('should wait no longer once there are many', () => {
    add(Array.from({ length: 9 }, () => itemOf()));
    expect(groups.map(({ length }) => length)).toEqual([1, 8]);
  });

  it('should have two groups on their way at most, and take all that came meanwhile', async () => {
    add(Array.from({ length: 40 }, () => itemOf()));
    expect(groups.map(({ length }) => length)).toEqual([1, 8]);
    finish[0]?.();
    await sleep(0);
    expect(groups.map(({ length }) => length)).toEqual([1, 8, 31]);
  });

  it('should make no group of more bytes than an insert should have, unless one batch has them', async () => {
    add([itemOf(), itemOf(20 * MB), itemOf(9 * MB), itemOf(9 * MB), itemOf()]);
    finish[0]?.();
    finish[1]?.();
    await sleep(0);
    finish[2]?.();
    await sleep(150);
    expect(groups.map((group) => group.map(({ batch }) => batch.rows.length))).toEqual([
      [10],
      [20 * MB],
      [9 * MB],
      [9 * MB, 10],
    ]);
  });

  it('should make no group of different types', async () => {
    add(['a', 'a', 'a', 'b', 'b', 'a'].map((type) => itemOf(10, type)));
    for (const i of [0, 1, 2, 3]) {
      await sleep(120);
      finish[i]?.();
    }
    expect(groups.map((group) => group.map(({ batch }) => batch.type).join(''))).toEqual(['a', 'aa', 'bb', 'a']);
  });

  it('should tell each what became of it, and go on after a failure', async () => {
    gatherer = new BatchGatherer<Item>(
      (group) => group.map((_, i) => (i === 1 ? Promise.reject(new Error('not this one')) : Promise.resolve())),
      8,
    );
    const results = Promise.allSettled(Array.from({ length: 9 }, () => gatherer.add(itemOf())));
    expect((await results).map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      ...Array.from({ length: 6 }, () => 'fulfilled'),
    ]);
    await gatherer.add(itemOf());
  });

  it('should wait for nothing when it is in a hurry', () => {
    add([itemOf(), itemOf()]);
    expect(groups).toHaveLength(1);
    gatherer.hurry();
    expect(groups).toHaveLength(2);
  });
});
