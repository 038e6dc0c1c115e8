import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createClient } from '@clickhouse/client';
import { Redis } from 'ioredis';

import { waitUntil } from '../../test/support/wait-until.js';
import { ClickHouseServer } from './clickhouse.server.js';
import type { EmbeddedServer, ServerOptions } from './embedded.server.js';
import { isPortFree } from './ports.js';
import { RedisServer } from './redis.server.js';

/** What the specs below do with a server: write one value, and read it back. */
interface Subject {
  start: (options: ServerOptions) => Promise<EmbeddedServer>;
  write: (url: string, value: string) => Promise<unknown>;
  read: (url: string) => Promise<unknown>;
  /** `start` as source text for a process of its own. */
  startSource: string;
}

const clickHouse: Subject = {
  start: (options) => ClickHouseServer.start(options),
  write: (url, value) =>
    withClickHouse(url, async (client) => {
      await client.command({
        query: 'CREATE TABLE IF NOT EXISTS kept (value String) ENGINE = MergeTree ORDER BY value',
      });
      await client.insert({ table: 'kept', values: [{ value }], format: 'JSONEachRow' });
    }),
  read: (url) =>
    withClickHouse(url, async (client) => {
      const result = await client.query({ query: 'SELECT value FROM kept', format: 'JSONEachRow' });
      return (await result.json<{ value: string }>())[0]?.value;
    }),
  startSource: "require('./clickhouse.server.ts').ClickHouseServer.start",
};

const redis: Subject = {
  start: (options) => RedisServer.start(options),
  write: (url, value) => withRedis(url, (client) => client.set('kept', value)),
  read: (url) => withRedis(url, (client) => client.get('kept')),
  startSource: "require('./redis.server.ts').RedisServer.start",
};

async function withClickHouse<T>(
  url: string,
  use: (client: ReturnType<typeof createClient>) => Promise<T>,
): Promise<T> {
  const client = createClient({ url, compression: { request: true, response: true } });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

async function withRedis<T>(url: string, use: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url);
  try {
    return await use(client);
  } finally {
    client.disconnect();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe.each([
  ['ClickHouseServer', clickHouse],
  ['RedisServer', redis],
])('%s', (_name, subject) => {
  const started: EmbeddedServer[] = [];
  let dataDir = '';

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'segops-embedded-'));
  });

  afterEach(async () => {
    await Promise.all(started.splice(0).map((server) => server.kill()));
    await rm(dataDir, { recursive: true, force: true });
  });

  async function start(port?: number): Promise<EmbeddedServer> {
    const server = await subject.start(port === undefined ? { dataDir } : { dataDir, port });
    started.push(server);
    return server;
  }

  it('should keep its data over a stop, and leave no process', async () => {
    const first = await start();
    await subject.write(first.url, 'precious');
    await Promise.all([first.stop(), first.stop()]);

    expect(isAlive(first.pid)).toBe(false);
    await expect(first.ended).resolves.toMatchObject({ asked: true, code: 0 });

    const second = await start(first.port);
    expect(second.url).toBe(first.url);
    await expect(subject.read(second.url)).resolves.toBe('precious');
  });

  it('should keep what it acknowledged when it is killed', async () => {
    const first = await start();
    await subject.write(first.url, 'precious');
    await first.kill();

    const second = await start();
    await expect(subject.read(second.url)).resolves.toBe('precious');
  });

  it('should tell when it ended by itself', async () => {
    const server = await start();
    process.kill(server.pid, 'SIGKILL');

    await expect(server.ended).resolves.toEqual({ asked: false, how: 'signal SIGKILL', code: undefined });
  });

  it('should name the fix when its port is in use', async () => {
    const occupant = createServer();
    await new Promise<void>((resolve) => occupant.listen(0, '127.0.0.1', resolve));
    const { port } = occupant.address() as { port: number };

    await expect(start(port)).rejects.toThrow(`port ${port} is in use. Stop the process that listens on it`);
    await new Promise((resolve) => occupant.close(resolve));
  });

  it('should die with its parent, even when the parent is killed', async () => {
    const parent = spawnParent(subject.startSource, dataDir);
    const { pid, port } = await firstReport(parent);
    expect(isAlive(pid)).toBe(true);

    parent.kill('SIGKILL');
    await waitUntil(() => !isAlive(pid));
    await waitUntil(() => isPortFree(port));
  });
});

describe('ClickHouseServer', () => {
  it('should name the fix when another process uses its data folder', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'segops-embedded-'));
    const first = await ClickHouseServer.start({ dataDir });
    await expect(ClickHouseServer.start({ dataDir })).rejects.toThrow('its data folder is in use by another process');
    await first.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
});

/** A Node process that starts a server and reports its pid and port. */
function spawnParent(start: string, dataDir: string): ChildProcess {
  const hook = join(__dirname, '../../test/jest/typescript.cjs');
  const script = `${start}({ dataDir: ${JSON.stringify(dataDir)} }).then(({ pid, port }) => process.send({ pid, port }));`;
  return spawn(process.execPath, ['--require', hook, '--eval', script], {
    cwd: __dirname,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

async function firstReport(parent: ChildProcess): Promise<{ pid: number; port: number }> {
  const [report] = (await once(parent, 'message')) as [{ pid: number; port: number }];
  return report;
}
