import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { SupervisedProcess } from '../../src/embedded/supervised.process.js';
import { freePort } from '../../src/embedded/ports.js';
import { waitUntil } from '../support/wait-until.js';

const START = join(__dirname, '../../scripts/start.mjs');
const TRACK = '/api/ingestion/track/';
const BATCH = '/api/ingestion/track/batch/';
const event = { user_id: 'zoe@example.com', event_type: 'page_viewed' };

/** What `npm start` runs, on a machine without Redis: nothing can be found or installed where the PATH is empty. */
describe('npm start, without Redis', () => {
  let dataDir: string;
  let port: number;
  let running: SupervisedProcess | undefined;
  let lines: string[];

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'segops-start-'));
    port = await freePort();
  });
  afterEach(async () => {
    await running?.stop('SIGTERM', 60_000);
    await rm(dataDir, { recursive: true, force: true });
  });

  const spawn = (environment: Record<string, string> = {}): SupervisedProcess => {
    lines = [];
    running = SupervisedProcess.spawn({
      command: process.execPath,
      args: [START],
      env: { PATH: '/nowhere', TMPDIR: tmpdir(), DATA_DIR: dataDir, PORT: String(port), ...environment },
      onLine: (line) => void lines.push(line),
    });
    return running;
  };
  const start = async (environment: Record<string, string> = {}): Promise<SupervisedProcess> => {
    const started = spawn(environment);
    await waitUntil(
      () => {
        if (!started.running) throw new Error(`npm start ended:\n${lines.join('\n')}`);
        return lines.some((line) => line.startsWith('Ctrl-C stops everything'));
      },
      { timeoutMs: 60_000 },
    );
    return started;
  };
  const quickstart = () => parseEnv(readFileSync(join(dataDir, 'quickstart.env'), 'utf8')) as Record<string, string>;
  const post = async (path: string, body: object) => {
    const { SEGOPS_URL, SEGOPS_API_KEY } = quickstart();
    return fetch(`${SEGOPS_URL!}${path}`, {
      method: 'POST',
      headers: { authorization: `ApiKey ${SEGOPS_API_KEY!}`, 'content-type': 'application/json', connection: 'close' },
      body: JSON.stringify(body),
    });
  };
  const query = async (sql: string) => {
    const { CLICKHOUSE_URL } = quickstart();
    const answer = await fetch(CLICKHOUSE_URL!, { method: 'POST', body: sql, headers: { connection: 'close' } });
    return (await answer.text()).trim();
  };
  /** Rows, repeats included, and users. */
  const stored = () => query('SELECT count(), uniqExact(user_id) FROM events FORMAT CSV');

  it('should queue on disk, say so, and be the whole service', async () => {
    await start();
    expect(lines.filter((line) => line.includes('TRANSPORT=spool'))).toEqual([
      expect.stringMatching(/^redis-server is not installed\. Events are queued on local disk instead/),
      expect.stringContaining('Queue'),
    ]);
    expect(quickstart()).toMatchObject({ SEGOPS_URL: `http://127.0.0.1:${port}` });
    expect(quickstart()).not.toHaveProperty('REDIS_URL');

    expect((await post(TRACK, event)).status).toBe(202);
    const batch = await post(BATCH, { events: [event, { ...event, user_id: '' }] });
    expect(await batch.json()).toMatchObject({ queued: 1, skipped: 1, errors: [{ index: 1, field: 'user_id' }] });
    await waitUntil(async () => (await stored()) === '2,1');
    const health = await fetch(`${quickstart().SEGOPS_URL!}/api/ingestion/health/`);
    expect(await health.json()).toEqual({ pubsub_topic: 'ok', worker: 'ok', clickhouse: 'ok' });
  });

  it('should keep data and keys from one start to the next, and stop with 0', async () => {
    const first = await start({ TRANSPORT: 'spool' });
    expect((await post(TRACK, event)).status).toBe(202);
    const key = quickstart().SEGOPS_API_KEY;
    expect((await first.stop('SIGTERM', 60_000)).how).toBe('exit code 0');

    await start({ TRANSPORT: 'spool' });
    expect(quickstart().SEGOPS_API_KEY).toBe(key);
    expect((await post(TRACK, { ...event, user_id: 'max@example.com' })).status).toBe(202);
    await waitUntil(async () => (await stored()) === '2,2');
    expect(existsSync(join(dataDir, 'redis'))).toBe(false);
    expect(lines.join('\n')).not.toMatch(/redis-server|cannot be reached/i);
  });

  it('should lose nothing that was accepted when the service is killed', async () => {
    const first = await start({ TRANSPORT: 'spool' });
    const requests = 40;
    let accepted = 0;
    const sent = Array.from({ length: requests }, async (_, i) => {
      const events = Array.from({ length: 50 }, (_, k) => ({ ...event, user_id: `user-${i}-${k}` }));
      const answer = await post(BATCH, { events }).catch(() => undefined);
      if (answer?.status === 202) accepted++;
    });
    // The lock of the spool's folder names its process.
    const pid = parseInt(readFileSync(join(dataDir, 'spool', '0.lock'), 'utf8'));
    await waitUntil(() => accepted > 0, { everyMs: 1 });
    process.kill(pid, 'SIGKILL');
    await Promise.all(sent);
    expect((await first.ended).how).toBe('exit code 1');
    expect(first.lastLines).toContain('The service ended by itself (signal SIGKILL)');

    await start({ TRANSPORT: 'spool' });
    await waitUntil(async () => Number((await stored()).split(',')[1]) >= accepted * 50);
    const health = async () => (await fetch(`${quickstart().SEGOPS_URL!}/api/ingestion/health/`)).status;
    await waitUntil(async () => (await health()) === 200);
    const [rows, users] = (await stored()).split(',');
    expect(rows).toBe(users);
  });

  it('should print commands that work, wherever DATA_DIR is', async () => {
    const awkward = join(dataDir, `it's a "$HOME"`);
    await start({ TRANSPORT: 'spool', DATA_DIR: awkward });
    const commands = lines.filter((line) => line.startsWith('  . '));
    expect(commands).toHaveLength(2);
    const [sent = '', seen = ''] = commands;
    const inShell = (command: string) => execFileSync('sh', ['-c', command], { encoding: 'utf8' });
    expect(inShell(sent)).toBe('{"queued":true}');
    await waitUntil(() => inShell(seen).includes('page_viewed'));
  });

  it.each([
    ['REDIS_URL', 'redis://127.0.0.1:1', 'bullmq'],
    ['REDIS_URL', 'redis://127.0.0.1:1', 'spool'],
    ['CLICKHOUSE_URL', 'http://default:secret@127.0.0.1:1/segops', 'spool'],
  ])('should not say that it is ready when %s=%s does not answer, with TRANSPORT=%s', async (name, url, transport) => {
    const { how } = await spawn({ TRANSPORT: transport, [name]: url }).ended;
    expect(how).toBe('exit code 1');
    expect(lines.join('\n')).toContain(
      `does not answer at ${name} (ECONNREFUSED). Start it and check ${name}, or remove`,
    );
    expect(lines.join('\n')).not.toMatch(/is ready\.|secret/);
  });

  it.each([
    ['bullmq', /TRANSPORT=bullmq needs Redis\. redis-server is not installed\..* REDIS_URL/],
    ['pubsub', /TRANSPORT=pubsub needs Redis\. redis-server is not installed\..* REDIS_URL/],
    ['spol', /TRANSPORT must be one of: bullmq, pubsub, spool\./],
  ])('should end, and say why, when it was told TRANSPORT=%s', async (transport, reason) => {
    const { how } = await spawn({ TRANSPORT: transport }).ended;
    expect(how).toBe('exit code 1');
    expect(lines).toEqual([expect.stringMatching(reason)]);
  });
});
