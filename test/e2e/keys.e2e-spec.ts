import request from 'supertest';
import { runCli } from '../../src/cli/run-cli.js';
import { postgresIsInstalled, PostgresServer } from '../support/postgres.server.js';
import { startService, type TestService } from '../support/service.js';
import { waitUntil } from '../support/wait-until.js';

(postgresIsInstalled ? describe : describe.skip)('the life of a key, on two instances with one PostgreSQL', () => {
  let postgres: PostgresServer;
  let instances: TestService[];

  beforeAll(async () => {
    postgres = await PostgresServer.start();
    const environment = { ROLE: 'api', DATABASE_URL: postgres.url };
    instances = await Promise.all([startService(environment), startService(environment)]);
  });
  afterAll(async () => {
    await Promise.all(instances.map((instance) => instance.stop()));
    await postgres.stop();
  });

  const cli = async (...words: string[]): Promise<string> => {
    let out = '';
    let err = '';
    const terminal = {
      env: { DATABASE_URL: postgres.url },
      out: (text: string) => (out += text),
      err: (text: string) => (err += text),
    };
    expect({ code: await runCli(words, terminal), err }).toEqual({ code: 0, err: '' });
    return out;
  };
  const statusesWith = (key: string) =>
    Promise.all(
      instances.map(async ({ url }) => {
        const call = request(url).post('/api/ingestion/track/').set('authorization', `ApiKey ${key}`);
        return (await call.send({ user_id: 'u1', event_type: 'page_viewed' })).status;
      }),
    );

  it('should be created, used on both, revoked, and refused by both at once', async () => {
    await cli('tenant', 'create', 'acme', '--name', 'Acme');
    const created = await cli('key', 'create', '--tenant', 'acme', '--name', 'server', '--json');
    const { id, key } = JSON.parse(created) as { id: string; key: string };
    expect(await statusesWith(key)).toEqual([202, 202]);
    await cli('key', 'revoke', id, '--tenant', 'acme');
    await waitUntil(async () => (await statusesWith(key)).every((status) => status === 401), { timeoutMs: 1_000 });
  });

  it('should answer 403 to a public key', async () => {
    await cli('tenant', 'create', 'shop', '--name', 'Shop');
    const created = await cli('key', 'create', '--tenant', 'shop', '--name', 'app', '--type', 'public', '--json');
    expect(await statusesWith((JSON.parse(created) as { key: string }).key)).toEqual([403, 403]);
  });

  it('should answer 503 with Retry-After, and not 401, while the control plane is away', async () => {
    await cli('tenant', 'create', 'late', '--name', 'Late');
    const { key } = JSON.parse(await cli('key', 'create', '--tenant', 'late', '--name', 'server', '--json')) as {
      key: string;
    };
    await postgres.pause();
    const began = Date.now();
    expect(await statusesWith(key)).toEqual([503, 503]);
    expect(Date.now() - began).toBeLessThan(1_000);
    await postgres.resume();
    await waitUntil(async () => (await statusesWith(key)).every((status) => status === 202));
  });
});
