import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitUntil } from '../../../test/support/wait-until.js';
import { SupervisedProcess } from '../../embedded/supervised.process.js';
import { SpoolStore } from './spool.store.js';

const HOOK = join(__dirname, '../../../test/jest/typescript.cjs');
const LIMITS = { maxBytes: 1024 ** 3, minFreeBytes: 0 };
const LIVES = 8;
/** From less than a page to several, so that a kill meets LMDB in all it does. */
const SIZES = [100, 3_000, 20_000, 60_000];

/**
 * A process that appends as fast as it can, removes every third batch again, and prints a line for what is on disk: `+ id`
 * once it was appended, `- id` once it was removed. A batch's rows are its id over and over.
 */
const WRITER = `
const { SpoolStore } = require(${JSON.stringify(join(__dirname, 'spool.store.ts'))});
const store = new SpoolStore(process.env.FOLDER, ${JSON.stringify(LIMITS)});
const sizes = ${JSON.stringify(SIZES)};
const say = (line) => require('node:fs').writeSync(1, line + '\\n');
let n = 0;
const next = async () => {
  const id = process.env.LIFE + '-' + n++;
  const rows = Buffer.alloc(sizes[n % sizes.length], id);
  await store.append({ id, type: 'events.v1', events: 1, rows });
  say('+ ' + id);
  if (n % 3 === 0) {
    const oldest = store.after(-1);
    // Another may be at it.
    if (oldest && !taken.has(oldest.batch.id)) {
      taken.add(oldest.batch.id);
      say('? ' + oldest.batch.id);
      await store.remove(oldest.key);
      say('- ' + oldest.batch.id);
    }
  }
  setImmediate(next);
};
const taken = new Set();
for (let i = 0; i < 16; i++) void next();
`;

describe('SpoolStore, when its process is killed', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'segops-spool-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  /** All that is in the folder, byte for byte, in its order. */
  const readAll = async () => {
    const store = new SpoolStore(folder, LIMITS);
    const found = new Map<string, Buffer>();
    for (let next = store.after(-1); next !== undefined; next = store.after(next.key[0])) {
      found.set(next.batch.id, Buffer.from(next.batch.rows));
    }
    expect(store.size).toBe(found.size);
    await store.close();
    return found;
  };

  it('should have every batch that was acknowledged, whole, and none that was removed, however often', async () => {
    const acknowledged = new Set<string>();
    const removed = new Set<string>();
    const perhapsRemoved = new Set<string>();
    for (let life = 0; life < LIVES; life++) {
      const enough = acknowledged.size + Math.random() * 500;
      const writer = SupervisedProcess.spawn({
        command: process.execPath,
        args: ['--require', HOOK, '--eval', WRITER],
        env: { FOLDER: folder, LIFE: String(life) },
        onLine: (line) => {
          const [sign, id = ''] = line.split(' ');
          if (sign === '+') acknowledged.add(id);
          if (sign === '?') perhapsRemoved.add(id);
          if (sign === '-') removed.add(id);
        },
      });
      await waitUntil(
        () => {
          if (!writer.running) throw new Error(writer.lastLines);
          return acknowledged.size > enough;
        },
        { timeoutMs: 30_000, everyMs: 1 },
      );
      await writer.kill();

      const found = await readAll();
      const missing = [...acknowledged].filter((id) => !found.has(id) && !perhapsRemoved.has(id));
      expect(missing).toEqual([]);
      expect([...removed].filter((id) => found.has(id))).toEqual([]);
      for (const [id, rows] of found) {
        if (!rows.equals(Buffer.alloc(rows.length, id)) || !SIZES.includes(rows.length))
          throw new Error(`${id} is torn`);
      }
    }
    expect(acknowledged.size).toBeGreaterThan(LIVES);
    expect(removed.size).toBeGreaterThan(0);
  });
});
