import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { type FreshDatabase, freshClickHouseDatabase } from '../../test/support/servers.js';
import { waitUntil } from '../../test/support/wait-until.js';
import { ClickHouseServer } from '../embedded/clickhouse.server.js';
import { createClickHouseClient } from './clickhouse.client.js';
import { MigrationLock } from './migration.lock.js';
import { Migrator } from './migrator.js';
import { UnusableWarehouseError } from './warehouse.errors.js';
import { Warehouse } from './warehouse.js';

describe('Migrator', () => {
  let database: FreshDatabase;
  let client: ClickHouseClient;
  let folder: string;

  beforeEach(async () => {
    database = await freshClickHouseDatabase();
    client = createClickHouseClient(database.url, 16);
    folder = mkdtempSync(join(tmpdir(), 'segops-migrations-'));
    writeFileSync(
      join(folder, '0001_first.sql'),
      'CREATE TABLE IF NOT EXISTS one (n UInt8)\nENGINE = MergeTree ORDER BY n;\n-- and\nINSERT INTO one VALUES (1);\n',
    );
  });

  afterEach(async () => {
    await client.close();
    await database.drop();
    rmSync(folder, { recursive: true });
  });

  const migrator = () => new Migrator(client, database.url, folder);

  async function select<Row>(query: string): Promise<Row[]> {
    const result = await client.query({ query, format: 'JSONCompactEachRow' });
    return result.json<Row>();
  }

  it('should apply the migrations of the service, create a missing database, and find nothing to do afterwards', async () => {
    await database.drop();
    const warehouse = new Warehouse(client);
    expect(await warehouse.ping(1_000)).toBe(false);

    const service = new Migrator(client, database.url);
    const files = readdirSync(join(__dirname, 'migrations')).filter((file) => file.endsWith('.sql'));
    expect(await service.migrate()).toEqual(files.sort().map((file) => file.slice(0, -'.sql'.length)));
    expect(await service.migrate()).toEqual([]);
    expect(await warehouse.ping(1_000)).toBe(true);
  });

  it.each(['my events', 'shop-2', '100 %', 'straße/ä', 'a?b#c&d=e+f'])(
    'should create and ask the database %p, however its name is written in the URL',
    async (name) => {
      const url = new URL(database.url);
      url.pathname = encodeURIComponent(name);
      const named = createClickHouseClient(url.href, 2);
      try {
        await new Migrator(named, url.href, folder).migrate();
        const result = await named.query({
          query:
            'SELECT currentDatabase(), database FROM system.tables WHERE name = {table: String} AND database = {name: String}',
          query_params: { table: 'one', name },
          format: 'JSONCompactEachRow',
        });
        expect(await result.json()).toEqual([[name, name]]);
      } finally {
        await named.command({ query: 'DROP DATABASE IF EXISTS {name: Identifier}', query_params: { name } });
        await named.close();
      }
    },
  );

  it('should apply each migration once when five processes start together, and let all of them succeed', async () => {
    writeFileSync(join(folder, '0002_second.sql'), 'INSERT INTO one VALUES (2);');
    const applied = await Promise.all(Array.from({ length: 5 }, () => migrator().migrate()));

    expect(applied.flat().sort()).toEqual(['0001_first', '0002_second']);
    expect(await select('SELECT n FROM one ORDER BY n')).toEqual([[1], [2]]);
    expect(await select('SELECT name, length(checksum) FROM schema_migrations ORDER BY version')).toEqual([
      ['0001_first', 64],
      ['0002_second', 64],
    ]);
    expect(
      await select("SELECT name FROM system.tables WHERE database = currentDatabase() AND name LIKE '%lock%'"),
    ).toEqual([]);
  });

  it('should go on after the last applied migration when one fails', async () => {
    writeFileSync(join(folder, '0002_second.sql'), 'INSERT INTO nowhere VALUES (2);');
    await expect(migrator().migrate()).rejects.toThrow('nowhere');
    writeFileSync(join(folder, '0002_second.sql'), 'INSERT INTO one VALUES (2);');

    expect(await migrator().migrate()).toEqual(['0002_second']);
  });

  it('should say so when an applied migration was edited', async () => {
    await migrator().migrate();
    writeFileSync(join(folder, '0001_first.sql'), 'SELECT 1;');

    const failure = migrator().migrate();
    await expect(failure).rejects.toBeInstanceOf(UnusableWarehouseError);
    await expect(failure).rejects.toThrow('The migration 0001_first was edited after it had been applied');
  });

  it('should take another kind of line end for the same migration', async () => {
    await migrator().migrate();
    writeFileSync(
      join(folder, '0001_first.sql'),
      'CREATE TABLE IF NOT EXISTS one (n UInt8)\r\nENGINE = MergeTree ORDER BY n;\r\n-- and\r\nINSERT INTO one VALUES (1);\r\n',
    );

    expect(await migrator().migrate()).toEqual([]);
  });

  it('should leave alone what a newer build has added, and apply nothing, so that a roll-back goes on storing', async () => {
    writeFileSync(join(folder, '0002_second.sql'), 'ALTER TABLE one ADD COLUMN m UInt8 DEFAULT 7;');
    await migrator().migrate();
    rmSync(join(folder, '0002_second.sql'));

    expect(await migrator().migrate()).toEqual([]);
    await client.command({ query: 'INSERT INTO one (n) VALUES (2)' });
    expect(await select('SELECT n, m FROM one ORDER BY n')).toEqual([
      [1, 7],
      [2, 7],
    ]);
    // And forward again, to a build with one more.
    writeFileSync(join(folder, '0002_second.sql'), 'ALTER TABLE one ADD COLUMN m UInt8 DEFAULT 7;');
    writeFileSync(join(folder, '0003_third.sql'), 'INSERT INTO one (n) VALUES (3);');
    expect(await migrator().migrate()).toEqual(['0003_third']);
  });

  it('should say so when a newer build has changed what this one stores', async () => {
    writeFileSync(join(folder, '0002_breaking_second.sql'), 'SELECT 1;');
    await migrator().migrate();
    rmSync(join(folder, '0002_breaking_second.sql'));

    const failure = migrator().migrate();
    await expect(failure).rejects.toBeInstanceOf(UnusableWarehouseError);
    await expect(failure).rejects.toThrow(
      'ClickHouse has the migration 0002_breaking_second, after which this build cannot store',
    );
  });

  it.each(['0003_gap.sql', '2_short.sql', '0001_twice.sql'])(
    'should refuse a folder with the misnumbered %s',
    async (file) => {
      writeFileSync(join(folder, file), 'SELECT 1;');

      await expect(migrator().migrate()).rejects.toThrow(`Rename the migration ${file}`);
    },
  );
});

describe('MigrationLock', () => {
  const times = { heartbeatMs: 200, expirySeconds: 1, pollMs: 20 };
  let database: FreshDatabase;
  let client: ClickHouseClient;

  beforeEach(async () => {
    database = await freshClickHouseDatabase();
    client = createClickHouseClient(database.url, 16);
  });

  afterEach(async () => {
    await client.close();
    await database.drop();
  });

  it('should pass from a crashed holder to exactly one of those who wait', async () => {
    await MigrationLock.acquire(client, { ...times, heartbeatMs: 1_000_000 });
    const commands = jest.spyOn(client, 'command');
    let waiting = 5;
    let holders = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 5 }, async () => {
        const lock = await MigrationLock.acquire(client, times);
        most = Math.max(most, ++holders);
        waiting--;
        // Each of the others has tried to get it meanwhile.
        const isTry = ([{ query }]: Parameters<ClickHouseClient['command']>) => query.startsWith('CREATE TABLE');
        const triesUntil = commands.mock.calls.filter(isTry).length + 2 * waiting;
        await waitUntil(() => commands.mock.calls.filter(isTry).length >= triesUntil);
        lock.assertHeld();
        holders--;
        await lock.release();
      }),
    );

    expect(most).toBe(1);
  });

  it('should stay with a holder that lives, for however long', async () => {
    const commands = jest.spyOn(client, 'command');
    const holder = await MigrationLock.acquire(client, times);
    let taken = false;
    const waiting = MigrationLock.acquire(client, times).then(async (lock) => {
      taken = true;
      await lock.release();
    });
    // Without a heartbeat it would have expired twice.
    const beats = () => commands.mock.calls.filter(([{ query }]) => query.includes('MODIFY COMMENT')).length;
    await waitUntil(() => beats() * times.heartbeatMs > 3_000 * times.expirySeconds);
    expect(taken).toBe(false);
    holder.assertHeld();
    await holder.release();
    await waiting;

    expect(taken).toBe(true);
  });

  it('should pass on from one crashed holder after the other, where tables have no UUIDs of their own', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'segops-lock-'));
    const server = await ClickHouseServer.start({ dataDir });
    const inDefault = createClickHouseClient(server.url, 4);
    for (let crash = 0; crash < 2; crash++) {
      await MigrationLock.acquire(inDefault, { ...times, heartbeatMs: 1_000_000 });
    }
    const lock = await MigrationLock.acquire(inDefault, times);
    lock.assertHeld();
    await lock.release();
    await inDefault.close();
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
});
