import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TEST_ENCRYPTION_KEY } from '../support/control-plane.services.js';
import { sharedRedisUrl } from '../support/servers.js';

const MAIN = join(__dirname, '../../dist/main.js');

/** The built service where it cannot start: it ends with exit code 1 and says what to do, without a stack or a secret. */
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
    new Promise<{ code: unknown; err: string }>((resolve) => {
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
        resolve({ code: error?.code, err });
      });
    });

  it('should name every wrong or missing setting at once', async () => {
    const { code, err } = await start({ TRANSPORT: 'bulmq', REDIS_URL: '', CLICKHOUSE_URL: 'ftp://secret@host' });
    expect(code).toBe(1);
    expect(err).toMatch(/- TRANSPORT must be one of: bullmq\b/);
    expect(err).toMatch(/- REDIS_URL is not set\b/);
    expect(err).toMatch(/- CLICKHOUSE_URL must be a URL\b/);
    expect(err).not.toMatch(/secret|bulmq|\n\s+at /);
  });

  it('should say that the port is taken', async () => {
    const { port } = taken.address() as AddressInfo;
    const { code, err } = await start({ PORT: String(port) });
    expect({ code, err }).toEqual({
      code: 1,
      err: `The service cannot listen on port ${port} (EADDRINUSE). Set PORT and HOST to a free address.\n`,
    });
  });

  it('should say that PostgreSQL cannot be reached', async () => {
    const { code, err } = await start({
      DATABASE_URL: 'postgres://segops:secret@127.0.0.1:1/segops',
      ENCRYPTION_KEY: TEST_ENCRYPTION_KEY,
    });
    expect(code).toBe(1);
    expect(err).toBe(
      'The control plane gave no answer (ECONNREFUSED). Check DATABASE_URL and that PostgreSQL is up.\n',
    );
  });

  it('should say that ENCRYPTION_KEY is missing where instances must share it, and how to make one', async () => {
    const { code, err } = await start({ DATABASE_URL: 'postgres://segops:secret@127.0.0.1:1/segops' });
    expect(code).toBe(1);
    expect(err).toMatch(/^ENCRYPTION_KEY is not set, and DATABASE_URL is\..* openssl rand -hex 32\n$/);
  });
});
