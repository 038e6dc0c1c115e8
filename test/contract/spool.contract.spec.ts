import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SpoolStore } from '../../src/transport/spool/spool.store.js';
import { SpoolTransport } from '../../src/transport/spool/spool.transport.js';
import type { TestQueue } from './queue.bench.js';
import { describeTransport } from './transport.contract.js';

const LIMITS = { maxBytes: 100 * 1024 * 1024, minFreeBytes: 0 };

/** A crash leaves the files as they are at that moment: the copy that the next store opens was made without closing this one. */
async function startSpool(): Promise<TestQueue> {
  const folders = await mkdtemp(join(tmpdir(), 'segops-spool-'));
  let life = 0;
  let folder = join(folders, String(life));
  let store = new SpoolStore(folder, LIMITS);
  const crashed: SpoolStore[] = [];
  return {
    connect: () => new SpoolTransport(store),
    crash: async () => {
      const left = join(folders, String(++life));
      await cp(folder, left, { recursive: true });
      crashed.push(store);
      folder = left;
      store = new SpoolStore(folder, LIMITS);
    },
    stop: async () => {
      await Promise.all([store, ...crashed].map((opened) => opened.close()));
      await rm(folders, { recursive: true, force: true });
    },
  };
}

describeTransport('the spool', startSpool);
