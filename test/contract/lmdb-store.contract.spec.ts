import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LmdbStore } from '../../src/idempotency/lmdb/lmdb.store.js';
import { describeIdempotencyStore } from './idempotency-store.contract.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'segops-idempotency-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describeIdempotencyStore('LMDB', { begin: () => Promise.resolve(LmdbStore.open(folder)) });
