import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RedisServer } from '../../src/embedded/redis.server.js';
import { EventTransport } from '../../src/transport/event-transport.js';
import { freshControlPlane } from '../support/control-plane.js';
import { startService, type TestService } from '../support/service.js';
import { waitUntil } from '../support/wait-until.js';

const FIXTURES = join(__dirname, '../fixtures/upgrade');
const WITHIN = { timeoutMs: 30_000 };

const numbered = (name: string, count: number, first = 0) =>
  Array.from({ length: count }, (_, i) => `${name}-${i + first}`);

describe('a build that takes the place of an older one', () => {
  let folder: string;
  let service: TestService;
  const ends: (() => Promise<unknown>)[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'segops-upgrade-'));
    ends.push(() => rm(folder, { recursive: true, force: true }));
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  /** @param spool the folder of the fixtures that its spool has the batches of */
  const start = async (spool: string, settings: Record<string, string>): Promise<void> => {
    const DATA_DIR = join(folder, 'data');
    await mkdir(join(DATA_DIR, 'spool', '0'), { recursive: true });
    await cp(join(FIXTURES, spool), join(DATA_DIR, 'spool', '0'), { recursive: true });
    const controlPlane = await freshControlPlane(DATA_DIR);
    ends.push(() => controlPlane.drop());
    service = await startService({ ...controlPlane.environment, DATA_DIR, ...settings });
    ends.push(() => service.stop());
  };
  const stored = async () => {
    const result = await service.clickhouse.query({
      query: 'SELECT user_id FROM events ORDER BY user_id',
      format: 'JSONEachRow',
    });
    return (await result.json<{ user_id: string }>()).map(({ user_id }) => user_id);
  };
  const idle = async () => (await service.app.get(EventTransport).status()).pending === 0;
  const untilStored = (users: readonly string[]) =>
    waitUntil(async () => (await idle()) && (await stored()).length >= users.length, WITHIN);

  it('should store once what waited in Redis and in the spool before it, and what is replayed', async () => {
    await cp(join(FIXTURES, 'redis'), join(folder, 'redis'), { recursive: true });
    const redis = await RedisServer.start({ dataDir: join(folder, 'redis') });
    ends.push(() => redis.stop());
    await start('failover-spool', { REDIS_URL: redis.url, QUEUE_PREFIX: 'upgraded' });
    const waiting = [
      ...numbered('waiting', 3, 1),
      ...numbered('combined', 12),
      ...numbered('spooled', 3),
      'umlaut-ä-😀',
    ].sort();
    await untilStored(waiting);
    expect(await stored()).toEqual(waiting);
    const errors = await service.clickhouse.query({
      query: 'SELECT error_type FROM ingestion_errors',
      format: 'JSONEachRow',
    });
    expect(await errors.json()).toEqual([{ error_type: 'validation_failed' }]);

    const { deadLetters } = service.app.get(EventTransport);
    const letters = await deadLetters.list({ tenantId: 'acme', limit: 10 });
    expect(letters).toEqual([expect.objectContaining({ events: 1, tenantId: 'acme' })]);
    expect(await deadLetters.replay(letters[0]!.id)).toBe(true);
    const all = [...waiting, 'dead-1'].sort();
    await untilStored(all);
    expect(await stored()).toEqual(all);
    expect(await deadLetters.list({ limit: 10 })).toEqual([]);
  });

  it('should store once what waited in the spool that was the queue', async () => {
    await start('queue-spool', { TRANSPORT: 'spool', REDIS_URL: '' });
    const waiting = numbered('queued', 5);
    await untilStored(waiting);
    expect(await stored()).toEqual(waiting);
  });
});
