import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { TEST_ENCRYPTION_KEY } from '../support/control-plane.services.js';
import { sharedRedisUrl } from '../support/servers.js';

const MAIN = join(__dirname, '../../dist/main.js');

/** The built service where it cannot start: it ends with exit code 1 and says what to do in one line of its log, without a stack or a secret. */
describe('a start that fails', () => {
  let dataDir: string;
  let taken: Server;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'segops-start-'));
    taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    taken.close();
    await rm(dataDir, { recursive: true, force: true });
  });

  const start = (environment: Record<string, string>) =>
    new Promise<{ code: unknown; message: string; error: unknown }>((resolve) => {
      const env = {
        PATH: process.env.PATH,
        HOST: '127.0.0.1',
        PORT: '0',
        DATA_DIR: dataDir,
        REDIS_URL: sharedRedisUrl(),
        CLICKHOUSE_URL: 'http://127.0.0.1:1',
        LOG_LEVEL: 'silent',
        ...environment,
      };
      execFile(process.execPath, [MAIN], { env, cwd: dataDir, timeout: 60_000 }, (error, _, err) => {
        const [line = '', ...others] = err.trimEnd().split('\n');
        expect(others).toEqual([]);
        const { level, time, pid, context, message, ...rest } = JSON.parse(line) as Record<string, unknown>;
        expect({ level, time, pid, context }).toEqual({
          level: 'fatal',
          time: expect.stringMatching(/^\d{4}-.*Z$/),
          pid: expect.any(Number),
          context: 'Service',
        });
        resolve({ code: error?.code, message: String(message), error: rest['error'] });
      });
    });

  it('should name every wrong or missing setting at once', async () => {
    const { code, message } = await start({ TRANSPORT: 'bulmq', REDIS_URL: '', CLICKHOUSE_URL: 'ftp://secret@host' });
    expect(code).toBe(1);
    expect(message).toMatch(/- TRANSPORT must be one of: bullmq\b/);
    expect(message).toMatch(/- REDIS_URL is not set\b/);
    expect(message).toMatch(/- CLICKHOUSE_URL must be a URL\b/);
    expect(message).not.toMatch(/secret|bulmq|\n\s+at /);
  });

  it('should say that the port is taken', async () => {
    const { port } = taken.address() as AddressInfo;
    const { code, message } = await start({ PORT: String(port) });
    expect({ code, message }).toEqual({
      code: 1,
      message: `The service cannot listen on port ${port} (EADDRINUSE). Set PORT and HOST to a free address.`,
    });
  });

  it('should say that PostgreSQL cannot be reached', async () => {
    const { code, message } = await start({
      DATABASE_URL: 'postgres://segops:secret@127.0.0.1:1/segops',
      ENCRYPTION_KEY: TEST_ENCRYPTION_KEY,
    });
    expect(code).toBe(1);
    expect(message).toBe(
      'The control plane gave no answer (ECONNREFUSED). Check DATABASE_URL and that PostgreSQL is up.',
    );
  });

  it('should say that ENCRYPTION_KEY is missing where instances must share it, and how to make one', async () => {
    const { code, message } = await start({ DATABASE_URL: 'postgres://segops:secret@127.0.0.1:1/segops' });
    expect(code).toBe(1);
    expect(message).toMatch(/^ENCRYPTION_KEY is not set, and DATABASE_URL is\..* openssl rand -hex 32$/);
  });

  it('should say that ENCRYPTION_KEY cannot read what is stored, and start when it can', async () => {
    const DATA_DIR = join(dataDir, 'rotated');
    const [old, current] = ['1'.repeat(64), '2'.repeat(64)];
    const seed = [join(MAIN, '../cli.js'), 'seed', '--tenant', 'acme', '--embedded'];
    await promisify(execFile)(process.execPath, seed, { env: { DATA_DIR, ENCRYPTION_KEY: old }, cwd: dataDir });
    const { port } = taken.address() as AddressInfo;

    const wrong = await start({ DATA_DIR, ENCRYPTION_KEY: current, PORT: String(port) });
    expect(wrong.code).toBe(1);
    expect(wrong.message).toMatch(
      /^Stored secrets are encrypted with the key [0-9a-f]{8}, .* Add the key behind the current one/,
    );
    // It goes on to what comes after.
    const right = await start({ DATA_DIR, ENCRYPTION_KEY: `${current},${old}`, PORT: String(port) });
    expect(right.message).toMatch(/^The service cannot listen on port/);
  });

  it.each([
    [
      'bullmq',
      { DATABASE_URL: '' },
      /cannot be written \(ENOTDIR\)\. Set DATA_DIR to a folder that this process can write, or /,
    ],
    [
      'spool',
      { REDIS_URL: '' },
      /cannot be written \(ENOTDIR\)\. Set DATA_DIR to a folder that this process can write\b/,
    ],
  ])(
    'should say that DATA_DIR cannot be written, and only what TRANSPORT=%s allows',
    async (transport, settings, expected) => {
      const file = join(dataDir, 'file');
      await writeFile(file, '');
      const { code, message } = await start({ TRANSPORT: transport, DATA_DIR: file, ...settings });
      expect(code).toBe(1);
      expect(message).toMatch(expected);
      if (transport === 'spool') expect(message).not.toContain('SPOOL_MAX_BYTES');
    },
  );

  it('should tell in a line like that of an error that nobody handles, later too', async () => {
    const hook = join(dataDir, 'hook.cjs');
    await writeFile(hook, `setTimeout(() => Promise.reject(new SyntaxError('what a client sent')), 500);`);
    const { code, message, error } = await start({ NODE_OPTIONS: `--require ${hook}` });
    expect({ code, message }).toEqual({ code: 1, message: 'The process ends, as an error was not handled.' });
    expect(error).toMatch(/^SyntaxError\n\s+at /);
  });
});
