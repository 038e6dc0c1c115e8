import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CommandLine, type CommandResult } from '../../test/support/command.line.js';
import { controlPlaneServices } from '../../test/support/control-plane.services.js';
import { openControlPlane } from '../tenants/open-control-plane.js';
import { runCli } from './run-cli.js';
import { freshDataDir } from '../../test/support/data-dir.js';

describe('The command line', () => {
  let cli: CommandLine;
  let dataDir: string;

  beforeAll(async () => {
    cli = await CommandLine.start();
    dataDir = await freshDataDir();
  });

  afterAll(async () => {
    await cli.stop();
    rmSync(dataDir, { recursive: true });
  });

  const run = (...words: string[]) => cli.run(...words);

  /** With the control plane in `dataDir`, unless the settings say where else. */
  async function runWith(env: Record<string, string>, ...words: string[]): Promise<CommandResult> {
    let out = '';
    let err = '';
    const code = await runCli(words, {
      env: { DATA_DIR: dataDir, ...env },
      out: (text) => (out += text),
      err: (text) => (err += text),
    });
    return { code, out, err };
  }

  it('should create the first tenant and list it, for people and for scripts', async () => {
    expect(await run('tenant', 'list')).toEqual({ code: 0, out: 'There are no tenants.\n', err: '' });
    expect(await run('tenant', 'create', 'acme', '--name', 'Acme Ltd', '--plan', 'starter')).toEqual({
      code: 0,
      out: 'Created tenant acme (plan starter).\n',
      err: cli.place,
    });
    expect((await run('tenant', 'list')).out).toBe('acme\tstarter\tAcme Ltd\n');
    expect(JSON.parse((await run('tenant', 'list', '--json')).out)).toEqual([
      expect.objectContaining({ slug: 'acme', name: 'Acme Ltd', plan: 'starter' }),
    ]);
  });

  it('should seed a tenant with working credentials of every kind, again and again', async () => {
    const seed = async () =>
      JSON.parse((await run('seed', '--tenant', 'seeded', '--json')).out) as Record<string, string>;
    const first = await seed();
    const second = await seed();
    expect(first).toEqual({
      tenant: 'seeded',
      key: expect.stringMatching(/^sk_live_[\w-]{43}$/),
      publicKey: expect.stringMatching(/^pk_live_[\w-]{43}$/),
      hmacSecret: expect.stringMatching(/^[0-9a-f]{64}$/),
      email: 'admin@seeded.example',
      password: expect.stringMatching(/^[\w-]{24}$/),
      shopifySecret: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(second['key']).not.toBe(first['key']);

    await cli.inControlPlane(async (database) => {
      const { tenants, apiKeys, users } = controlPlaneServices(database);
      expect(await tenants.find('seeded')).toMatchObject({ plan: 'enterprise' });
      for (const { key = '', publicKey = '' } of [first, second]) {
        expect(await apiKeys.find(key)).toMatchObject({ tenantId: 'seeded', type: 'secret' });
        expect(await apiKeys.find(publicKey)).toMatchObject({ tenantId: 'seeded', type: 'public' });
      }
      const logIn = (password: string) => users.authenticate('admin@seeded.example', password);
      expect(await logIn(first['password']!)).toBeUndefined();
      expect(await logIn(second['password']!)).toMatchObject({ tenantId: 'seeded' });
    });
  });

  it('should show a new key once', async () => {
    await run('tenant', 'create', 'keyed');
    const created = await run(
      'key',
      'create',
      '--tenant',
      'keyed',
      '--name',
      'web',
      '--type',
      'public',
      '--mode',
      'test',
    );
    expect(created).toMatchObject({ code: 0, err: cli.place });
    expect(created.out).toMatch(
      /^Created key "web" \(.*\), shown only now:\npk_test_[\w-]{43}\nThe secret to sign user ids with:\n[0-9a-f]{64}\n$/,
    );
    const json = await run('key', 'create', '--tenant', 'keyed', '--name', 'server', '--json');
    expect(JSON.parse(json.out)).toEqual({
      id: expect.any(String) as string,
      name: 'server',
      key: expect.stringMatching(/^sk_live_/) as string,
    });
  });

  it('should list and revoke keys, and never show one again', async () => {
    await run('tenant', 'create', 'keeper', '--name', 'Keeper');
    expect((await run('key', 'list', '--tenant', 'keeper')).out).toBe('The tenant "keeper" has no keys.\n');
    const created = await run('key', 'create', '--tenant', 'keeper', '--name', 'server', '--json');
    const { id, key } = JSON.parse(created.out) as { id: string; key: string };
    const listed = await run('key', 'list', '--tenant', 'keeper');
    expect(listed.out).toMatch(new RegExp(`^${id}\tsk_live_…[\\w-]{4}\tserver\tcreated \\S+\tnever used\tvalid\n$`));
    expect(listed.out).not.toContain(key);
    expect(await run('key', 'revoke', id, '--tenant', 'keeper')).toEqual({
      code: 0,
      out: `Revoked key ${id}.\n`,
      err: cli.place,
    });
    expect((await run('key', 'list', '--tenant', 'keeper')).out).toMatch(/\trevoked \S+\n$/);
    const again = await run('key', 'revoke', id, '--tenant', 'keeper');
    expect(again).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringMatching(/^error: The tenant "keeper" has no valid key/),
    });
  });

  it.each([
    [
      'a tenant that does not exist',
      ['key', 'create', '--tenant', 'nobody', '--name', 'x'],
      /^error: There is no tenant/,
    ],
    ['keys of a tenant that does not exist', ['key', 'list', '--tenant', 'nobody'], /^error: There is no tenant/],
    ['a slug that is not one', ['tenant', 'create', 'No_Slug'], /^error: A tenant's slug is/],
    ['a missing option', ['seed'], /^error: required option '--tenant <slug>' not specified/],
    [
      'an unknown plan',
      ['tenant', 'create', 'acme', '--plan', 'gold'],
      /^error: option '--plan <plan>' argument 'gold'/,
    ],
    ['an unknown command', ['sow'], /^error: unknown command 'sow'/],
  ])('should answer %s with one line and exit code 1', async (_, words, expected) => {
    const { code, out, err } = await run(...words);
    expect(err).toMatch(expected);
    expect({ code, out, lines: err.trimEnd().split('\n').length }).toEqual({ code: 1, out: '', lines: 1 });
  });

  it('should say so when the service has the embedded control plane open', async () => {
    const service = await openControlPlane({ dataDir });
    try {
      const { code, out, err } = await runWith({}, 'tenant', 'create', 'beside');
      expect({ code, out }).toEqual({ code: 1, out: '' });
      expect(err).toMatch(/is in use by process \d+ on \S+\. .* stop the service first, or set DATABASE_URL/);
      expect(await controlPlaneServices(service).tenants.find('beside')).toBeUndefined();
    } finally {
      await service.onApplicationShutdown();
    }
  });

  it.each([
    ['tenant', 'create', 'acme'],
    ['tenant', 'list'],
    ['seed', '--tenant', 'acme'],
    ['key', 'create', '--tenant', 'acme', '--name', 'x'],
    ['secrets', 're-encrypt'],
    ['migrate'],
  ])('should make no new control plane, nor anything else, for %s %s', async (...words) => {
    const elsewhere = join(dataDir, 'elsewhere');
    const { code, out, err } = await runWith({ DATA_DIR: elsewhere, CLICKHOUSE_URL: 'http://127.0.0.1:1' }, ...words);
    expect({ code, out, made: existsSync(elsewhere) }).toEqual({ code: 1, out: '', made: false });
    expect(err).toBe(
      `error: There is no control plane in ${elsewhere}. Set DATABASE_URL or DATA_DIR as the service has it. ` +
        'Where the service runs in a container, use `exec` into that one, not `run`.\n',
    );
  });

  it('should make an embedded control plane when `seed` is told to', async () => {
    const env = { DATA_DIR: join(dataDir, 'first-start') };
    expect(await runWith(env, 'seed', '--tenant', 'acme', '--embedded', '--json')).toMatchObject({ code: 0 });
    expect(await runWith(env, 'tenant', 'create', 'second')).toEqual({
      code: 0,
      out: 'Created tenant second (plan free).\n',
      err: `Control plane: embedded PostgreSQL in ${join(env.DATA_DIR, 'control-plane')}.\n`,
    });
    expect((await runWith(env, 'tenant', 'list')).out).toMatch(/^acme\tenterprise\tacme\n/);
  });

  it('should not take a new spool for one without dead letters', async () => {
    const elsewhere = join(dataDir, 'no-spool');
    const { code, err } = await runWith({ DATA_DIR: elsewhere, TRANSPORT: 'spool' }, 'dead-letter', 'list');
    expect({ code, made: existsSync(elsewhere) }).toEqual({ code: 1, made: false });
    expect(err).toBe(`error: There is no spool in ${elsewhere}. Set DATA_DIR as the service has it.\n`);
  });

  it('should bring every secret under the first key, count what is left, and name those whose key is lost', async () => {
    const [old, current, lost] = ['1', '2', '3'].map((digit) => digit.repeat(64)) as [string, string, string];
    const DATA_DIR = join(dataDir, 'rotating');
    const withKeys = (...keys: string[]) => ({ DATA_DIR, ENCRYPTION_KEY: keys.join(',') });
    const place = `Control plane: embedded PostgreSQL in ${join(DATA_DIR, 'control-plane')}.\n`;
    await runWith(withKeys(old), 'seed', '--tenant', 'first', '--embedded');
    const json = await runWith(withKeys(current, old), 'secrets', 're-encrypt', '--json');
    expect(json).toEqual({ code: 0, out: '{"reEncrypted":2,"left":0}\n', err: place });
    expect(await runWith(withKeys(current), 'secrets', 're-encrypt')).toEqual({
      code: 0,
      out: 'Secrets encrypted with the first key now: 0. Left under another key: 0.\n',
      err: place,
    });
    await runWith(withKeys(lost), 'seed', '--tenant', 'second');
    const { code, out, err } = await runWith(withKeys(current, old), 'secrets', 're-encrypt');
    expect({ code, out }).toEqual({
      code: 1,
      out: 'Secrets encrypted with the first key now: 0. Left under another key: 2.\n',
    });
    expect(err).toMatch(/^Control plane: .*\nerror: These cannot be read, .*: api key \S+; tenant second, Shopify\. /);
  });

  it('should name the setting that is wrong, without its value', async () => {
    const { code, err } = await runWith({ DATABASE_URL: 'mysql://me:hunter2@db' }, 'tenant', 'list');
    expect(code).toBe(1);
    expect(err).toContain('DATABASE_URL must be a URL of the form postgres://');
    expect(err).not.toContain('hunter2');
  });

  it('should name the setting to check when a database does not answer', async () => {
    const postgres = await runWith({ DATABASE_URL: 'postgres://me:hunter2@127.0.0.1:1/db' }, 'tenant', 'list');
    expect(postgres).toMatchObject({
      code: 1,
      err: expect.stringContaining('(ECONNREFUSED). Check DATABASE_URL') as string,
    });
    const clickhouse = await runWith({ CLICKHOUSE_URL: 'http://me:hunter2@127.0.0.1:1' }, 'migrate');
    expect(clickhouse).toMatchObject({
      code: 1,
      err: 'error: The warehouse was not migrated (ECONNREFUSED). Check CLICKHOUSE_URL and that ClickHouse is up.\n',
    });
  });
});
