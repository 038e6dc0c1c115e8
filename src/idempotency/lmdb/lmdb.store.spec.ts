import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { FolderLockedError } from '../../common/folder-lock.js';
import { MEMORY_LIFE_MS } from '../idempotency.store.js';
import { LmdbStore } from './lmdb.store.js';
import { TtlStore } from './ttl.store.js';

describe('what LmdbStore keeps', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'segops-lmdb-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('should be kept by one process at a time', async () => {
    const store = LmdbStore.open(folder);
    expect(() => LmdbStore.open(folder)).toThrow(FolderLockedError);
    await store.close();
    await LmdbStore.open(folder).close();
  });

  describe('by the clock', () => {
    let root: RootDatabase;
    let now: number;

    beforeEach(() => {
      root = open({ path: folder, maxDbs: 3 });
      now = 1_000_000;
    });
    afterEach(() => root.close());

    const tenantId = 't';

    it('should forget memories when they have had their life, a bounded number at a time', async () => {
      const memory = new TtlStore(root, () => now);
      const keys = ['a', 'b', 'c'].map((key) => ({ space: 'answers', tenantId, key }) as const);
      for (const key of keys) await memory.remember(key, 'first');
      now += MEMORY_LIFE_MS.answers - 1;
      expect(keys.map((key) => memory.recall(key))).toEqual(['first', 'first', 'first']);
      now += 1;
      expect(keys.map((key) => memory.recall(key))).toEqual([undefined, undefined, undefined]);
      await memory.remember(keys[0]!, 'second');
      expect([await memory.sweep(2), await memory.sweep(2)]).toEqual([true, false]);
      expect(keys.map((key) => memory.recall(key))).toEqual(['second', undefined, undefined]);
      expect(root.openDB({ name: 'entries' }).getCount()).toBe(1);
      expect(root.openDB({ name: 'ends' }).getCount()).toBe(1);
    });
  });
});
