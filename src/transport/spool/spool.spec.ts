import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { uuid7 } from '../../common/uuid7.js';
import type { Configuration } from '../../config/configuration.js';
import { loadConfiguration } from '../../config/load-configuration.js';
import type { EventBatch } from '../event-batch.js';
import { Spool } from './spool.js';

const newBatch = (): EventBatch => ({ id: uuid7(), type: 'events.v1', events: 1, rows: Buffer.from('rows') });

describe('Spool', () => {
  let dataDir: string;
  const opened: Spool[] = [];

  const configure = (settings: Record<string, string> = {}): Configuration =>
    loadConfiguration({ REDIS_URL: 'redis://r', CLICKHOUSE_URL: 'http://c', DATA_DIR: dataDir, ...settings });
  const keep = (spool: Spool | undefined): Spool => {
    opened.push(spool!);
    return spool!;
  };

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'segops-spool-'));
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((spool) => spool.close()));
    await rm(dataDir, { recursive: true, force: true });
  });

  it('should give each of several instances that share a DATA_DIR a folder of its own', async () => {
    const [first, second] = [keep(Spool.openFailover(configure())), keep(Spool.openFailover(configure()))];
    await first.store.append(newBatch());
    expect([first.store.size, second.store.size]).toEqual([1, 0]);
  });

  it('should give the next instance the folder of one that ended, with what is in it', async () => {
    const batch = newBatch();
    const before = Spool.openFailover(configure())!;
    await before.store.append(batch);
    await before.close();
    const after = keep(Spool.openFailover(configure()));
    expect(after.store.after(-1)?.batch).toMatchObject({ id: batch.id, events: 1, type: 'events.v1' });
  });

  it('should take over what an instance left that did not come back, and nothing of one that runs', async () => {
    const running = keep(Spool.openFailover(configure()));
    const gone = Spool.openFailover(configure())!;
    const [ofRunning, ofGone] = [newBatch(), newBatch()];
    await running.store.append(ofRunning);
    await gone.store.append(ofGone);
    const third = keep(Spool.openFailover(configure()));
    await gone.close();
    await third.adoptAbandoned((batch) => third.store.append(batch));
    expect(third.store.size).toBe(1);
    expect(third.store.after(-1)?.batch.id).toBe(ofGone.id);
    expect(running.store.after(-1)?.batch.id).toBe(ofRunning.id);
    expect(keep(Spool.openFailover(configure())).store.size).toBe(0);
  });

  it('should leave where it is what does not fit', async () => {
    const gone = Spool.openFailover(configure())!;
    const own = keep(Spool.openFailover(configure({ SPOOL_MAX_BYTES: '4096' })));
    for (let i = 0; i < 3; i++) await gone.store.append(newBatch());
    await gone.close();
    await own.adoptAbandoned((batch) => own.store.append(batch));
    expect(own.store.size).toBe(1);
    expect(keep(Spool.openFailover(configure())).store.size).toBe(2);
  });

  it('should not be there for workers, nor where the settings turn it off', () => {
    expect(Spool.openFailover(configure({ ROLE: 'worker' }))).toBeUndefined();
    expect(Spool.openFailover(configure({ SPOOL_MAX_BYTES: '0' }))).toBeUndefined();
  });

  it('should be one process’s only where it is the queue itself', () => {
    const configuration = configure({ TRANSPORT: 'spool' });
    keep(Spool.openQueue(configuration));
    expect(() => Spool.openQueue(configuration)).toThrow(/is in use by process .* set DATA_DIR/);
  });

  it('should say what to do where the disk cannot be written: only what the transport allows', async () => {
    const file = join(dataDir, 'file');
    await writeFile(file, '');
    expect(() => Spool.openFailover(configure({ DATA_DIR: file }))).toThrow(
      /file\/spool cannot be written \(ENOTDIR\)\. Set DATA_DIR to a folder .*, or SPOOL_MAX_BYTES=0 /,
    );
    expect(() => Spool.openQueue(configure({ DATA_DIR: file, TRANSPORT: 'spool' }))).toThrow(
      /file\/spool cannot be written \(ENOTDIR\)\. Set DATA_DIR to a folder that this process can write\.$/,
    );
  });
});
