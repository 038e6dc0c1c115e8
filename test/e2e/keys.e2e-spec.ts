import { randomUUID } from 'node:crypto';
import { randomBytes } from 'node:crypto';
import request from 'supertest';
import { Tokens } from '../../src/auth/tokens/tokens.service.js';
import { runCli } from '../../src/cli/run-cli.js';
import { ApiKeys } from '../../src/tenants/api-keys.service.js';
import { ControlPlaneDatabase } from '../../src/tenants/control-plane.database.js';
import { Users } from '../../src/tenants/users.service.js';
import { TEST_ENCRYPTION_KEY } from '../support/control-plane.services.js';
import { pagesOf } from '../support/pages.js';
import { postgresIsInstalled, PostgresServer } from '../support/postgres.server.js';
import { startService, type TestService, type TestTenant } from '../support/service.js';
import { waitUntil } from '../support/wait-until.js';

const KEYS = '/api/auth/api-keys/';
const TRACK = '/api/ingestion/track/';
const EVENT = { user_id: 'u1', event_type: 'page_viewed' };
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const callsTo =
  (url: string) =>
  (method: 'get' | 'post' | 'delete', path: string, authorization: string): request.Test =>
    request(url)[method](path).set({ authorization });

(postgresIsInstalled ? describe : describe.skip)('the life of a key, on two instances with one PostgreSQL', () => {
  let postgres: PostgresServer;
  let instances: TestService[];

  beforeAll(async () => {
    postgres = await PostgresServer.start();
    const environment = { ROLE: 'api', DATABASE_URL: postgres.url, ENCRYPTION_KEY: TEST_ENCRYPTION_KEY };
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
      env: { DATABASE_URL: postgres.url, ENCRYPTION_KEY: TEST_ENCRYPTION_KEY },
      out: (text: string) => (out += text),
      err: (text: string) => (err += text),
    };
    expect(await runCli(words, terminal)).toBe(0);
    // What changes something says where.
    expect(err).toMatch(/^(Control plane: PostgreSQL at 127\.0\.0\.1:\d+, database \w+\.\n)?$/);
    return out;
  };
  const statusesWith = (key: string) =>
    Promise.all(
      instances.map(async ({ url }) => {
        return (await callsTo(url)('post', TRACK, `ApiKey ${key}`).send(EVENT)).status;
      }),
    );

  it('should be created, used, listed and revoked over HTTP, and refused by the other instance on its next use', async () => {
    await cli('tenant', 'create', 'http', '--name', 'HTTP');
    const [first, second] = instances.map(({ app, url }) => ({ app, call: callsTo(url) }));
    const login = { email: 'zoe@http.example', password: 'correct horse' };
    const users = first!.app.get(Users);
    await users.create({ ...login, tenantId: 'http' });
    const token = await first!.app
      .get(Tokens)
      .issueAccessToken((await users.authenticate(login.email, login.password))!);
    const user = `Bearer ${token}`;
    const created = await first!.call('post', KEYS, user).send({ name: 'server', tenant_slug: 'http' });
    expect(created.status).toBe(201);
    expect(created.headers['cache-control']).toBe('no-store');
    const { id, name, key } = created.body as { id: string; name: string; key: string };
    expect(created.body).toEqual({ id, name: 'server', key: expect.stringMatching(/^sk_live_/) });
    const began = Date.now();
    expect(await statusesWith(key)).toEqual([202, 202]);

    const listed = await second!.call('get', KEYS, user);
    expect(listed.status).toBe(200);
    expect(listed.body).toEqual([
      {
        id,
        name,
        type: 'secret',
        prefix: 'sk_live_',
        last_four: key.slice(-4),
        allowed_origins: [],
        require_signed_user_id: false,
        created_at: expect.stringMatching(RFC_3339),
        last_used_at: expect.stringMatching(RFC_3339),
        revoked_at: null,
      },
    ]);
    expect(listed.text).not.toContain(key.slice('sk_live_'.length, -4));
    const [{ last_used_at }] = listed.body as [{ last_used_at: string }];
    expect(Date.parse(last_used_at)).toBeGreaterThanOrEqual(began - 1_000);

    await first!.call('delete', `${KEYS}${id}/`, user).expect(204, '');
    await second!.call('post', TRACK, `ApiKey ${key}`).send(EVENT).expect(401);
    expect(await statusesWith(key)).toEqual([401, 401]);
    await second!.call('delete', `${KEYS}${id}/`, user).expect(404);
    expect((await second!.call('get', KEYS, user)).body).toMatchObject([
      { id, revoked_at: expect.stringMatching(RFC_3339) },
    ]);
  });

  it('should be created, used on both, revoked, and refused by both at once', async () => {
    await cli('tenant', 'create', 'acme', '--name', 'Acme');
    const created = await cli('key', 'create', '--tenant', 'acme', '--name', 'server', '--json');
    const { id, key } = JSON.parse(created) as { id: string; key: string };
    expect(await statusesWith(key)).toEqual([202, 202]);
    await cli('key', 'revoke', id, '--tenant', 'acme');
    expect(await statusesWith(key)).toEqual([401, 401]);
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
    expect(await statusesWith(key)).toEqual([503, 503]);
    await postgres.resume();
    await waitUntil(async () => (await statusesWith(key)).every((status) => status === 202));
  });
});

describe('API keys over HTTP', () => {
  let service: TestService;
  let tenant: TestTenant;

  beforeAll(async () => {
    service = await startService({ ROLE: 'api' });
  });
  afterAll(() => service.stop());
  beforeEach(async () => {
    tenant = await service.createTenant();
  });

  const as = (who: TestTenant) => `Bearer ${who.userToken}`;
  const create = (body: object) => callsTo(service.url)('post', KEYS, as(tenant)).send(body);
  const list = async (who: TestTenant) =>
    (await callsTo(service.url)('get', KEYS, as(who)).expect(200)).body as Record<string, unknown>[];

  it('should tell the HMAC secret of a public key, once', async () => {
    const created = await create({
      name: 'page',
      type: 'public',
      mode: 'test',
      allowed_origins: ['HTTPS://Shop.example.com:443', 'https://*.example.com', 'https://shop.example.com'],
      require_signed_user_id: true,
    });
    expect(created.status).toBe(201);
    expect(created.body).toEqual({
      id: expect.any(String),
      name: 'page',
      key: expect.stringMatching(/^pk_test_/),
      hmac_secret: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const [, page] = await list(tenant);
    expect(page).toMatchObject({
      type: 'public',
      prefix: 'pk_test_',
      allowed_origins: ['https://shop.example.com', 'https://*.example.com'],
      require_signed_user_id: true,
      last_used_at: null,
    });
    expect(JSON.stringify(page)).not.toContain((created.body as { hmac_secret: string }).hmac_secret);
  });

  it('should make a live secret key unless told otherwise', async () => {
    const nothing = { tenant_slug: null, type: null, mode: null, allowed_origins: null, require_signed_user_id: null };
    for (const body of [{ name: 'a' }, { name: 'a', ...nothing }, { name: 'a', allowed_origins: [] }]) {
      const created = await create(body);
      expect(created.body).toEqual({ id: expect.any(String), name: 'a', key: expect.stringMatching(/^sk_live_/) });
    }
  });

  const origins = (number: number) => [
    `must be origins such as https://shop.example.com or https://*.example.com, without a path, and with no public suffix such as co.uk or github.io after the wildcard; number ${number} is not.`,
  ];
  it.each([
    [{}, { name: ['is required.'] }],
    [{ name: null }, { name: ['is required.'] }],
    [{ name: 7 }, { name: ['must be a string.'] }],
    [{ name: ' ' }, { name: ['must not be blank.'] }],
    [{ name: '\u200b\u3164' }, { name: ['must not be blank.'] }],
    [{ name: 'x'.repeat(256) }, { name: ['must have at most 255 characters.'] }],
    [{ name: 'a\u0000b' }, { name: ['must not contain control characters.'] }],
    [{ name: '\ud800' }, { name: ['must not contain unpaired surrogates (\\ud800 to \\udfff).'] }],
    [{ name: 'a', tenant_slug: 7 }, { tenant_slug: ['must be a string.'] }],
    [{ name: 'a', type: 'admin' }, { type: ['must be one of: secret, public.'] }],
    [{ name: 'a', mode: 'prod' }, { mode: ['must be one of: live, test.'] }],
    [
      { name: 'a', type: 'public', require_signed_user_id: 'yes' },
      { require_signed_user_id: ['must be true or false.'] },
    ],
    [
      { name: 'a', type: 'public', allowed_origins: ['https://a.example', 'https://*.co.uk'] },
      { allowed_origins: origins(2) },
    ],
    [{ name: 'a', type: 'public', allowed_origins: ['javascript://x'] }, { allowed_origins: origins(1) }],
    [
      { name: 'a', type: 'public', allowed_origins: 'https://a.example' },
      { allowed_origins: ['must be a list of origins.'] },
    ],
    [
      { name: 'a', type: 'public', allowed_origins: ['https://a.example', 'a.example'] },
      { allowed_origins: origins(2) },
    ],
    [{ name: 'a', type: 'public', allowed_origins: ['https://*.com'] }, { allowed_origins: origins(1) }],
    [{ name: 'a', type: 'public', allowed_origins: [7] }, { allowed_origins: origins(1) }],
    [
      { name: 'a', type: 'public', allowed_origins: Array.from({ length: 101 }, (_, i) => `https://a${i}.example`) },
      { detail: expect.stringContaining('at most 100') },
    ],
    [{ name: 'a', allowed_origins: ['https://a.example'] }, { detail: expect.stringContaining('Only public keys') }],
    [{ name: 'a', require_signed_user_id: true }, { detail: expect.stringContaining('Only public keys') }],
  ])('should answer 400 to %j', async (body, errors) => {
    const response = await create(body);
    expect(response.status).toBe(400);
    expect(response.body).toEqual(errors);
    expect(await list(tenant)).toHaveLength(1);
  });

  it('should answer 403 to the slug of another tenant, and not tell whether there is one', async () => {
    const other = await service.createTenant();
    const answers = await Promise.all(
      [other.tenantId, 'nobody', ''].map((tenant_slug) => create({ name: 'a', tenant_slug })),
    );
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403]);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(await list(other)).toHaveLength(1);
  });

  it('should be listed in pages, the oldest first, each once', async () => {
    const { tenantId, userToken } = await service.createTenant();
    const names = Array.from({ length: 104 }, (_, i) => `key ${i}`);
    for (const name of names) {
      await service.app.get(ApiKeys).create({ tenantId, name, type: 'secret', mode: 'test' });
    }
    const as = { authorization: `Bearer ${userToken}` };
    for (const limit of ['', '?limit=40', '?limit=1000']) {
      const { pages, entries } = await pagesOf(`${service.url}/api/auth/api-keys/${limit}`, as);
      expect(entries.map(({ name }) => name)).toEqual(['test', ...names]);
      expect([limit, pages.length]).toEqual([limit, limit === '?limit=40' ? 3 : 2]);
    }
    const { status, body } = await request(service.url).get('/api/auth/api-keys/?cursor=x').set(as);
    expect({ status, body }).toEqual({ status: 400, body: { cursor: ['must be the id of a key.'] } });
  });

  it('should answer 404 to the revocation of what the tenant has not', async () => {
    const other = await service.createTenant();
    const [theirs] = await list(other);
    for (const id of [theirs!['id'] as string, randomUUID(), 'no-uuid', '%00', "'%20OR%201=1", 'x'.repeat(90)]) {
      const response = await callsTo(service.url)('delete', `${KEYS}${id}/`, as(tenant));
      expect(response.status).toBe(404);
      expect(response.body).toEqual({ detail: expect.any(String) });
    }
    await other.post(TRACK, EVENT).expect(202);
  });

  it('should answer 403 to keys, and 401 to nobody', async () => {
    for (const method of ['get', 'post'] as const) {
      await callsTo(service.url)(method, KEYS, `ApiKey ${tenant.key}`).expect(403);
      await request(service.url)[method](KEYS).expect(401);
    }
    const [own] = await list(tenant);
    await callsTo(service.url)('delete', `${KEYS}${own!['id'] as string}`, `ApiKey ${tenant.key}`).expect(403);
    await tenant.post(TRACK, EVENT).expect(202);
  });
});

describe('what nobody knows', () => {
  let service: TestService;
  let queries: Record<'select' | 'update' | 'delete', jest.SpyInstance>;

  beforeAll(async () => {
    service = await startService({ ROLE: 'api' });
    const { db } = service.app.get(ControlPlaneDatabase);
    queries = { select: jest.spyOn(db, 'select'), update: jest.spyOn(db, 'update'), delete: jest.spyOn(db, 'delete') };
  });
  beforeEach(() => {
    Object.values(queries).forEach((query) => query.mockClear());
  });
  afterAll(async () => {
    jest.restoreAllMocks();
    await service.stop();
  });

  const randomText = () => randomBytes(32).toString('base64url');
  const track = (key: string) => callsTo(service.url)('post', TRACK, `ApiKey ${key}`).send(EVENT);
  const preflight = (origin: string) =>
    request(service.url).options(TRACK).set({ origin, 'access-control-request-method': 'POST' });
  const tokens = (path: string) => (refresh: string) =>
    request(service.url).post(`/api/auth/token/${path}/`).send({ refresh });

  it.each<[string, keyof typeof queries, number, (text: string) => request.Test]>([
    ['keys', 'select', 401, (text) => track(`sk_live_${text}`)],
    [
      'preflights’ origins',
      'select',
      403,
      (text) => preflight(`https://${text.toLowerCase().replaceAll(/[-_]/g, 'x')}.example`),
    ],
    ['refresh tokens', 'update', 401, (text) => tokens('refresh')(`rt_${text}`)],
    ['refresh tokens to revoke', 'delete', 204, (text) => tokens('revoke')(`rt_${text}`)],
  ])('should cost the database at most so many queries a second: %s', async (_, query, status, send) => {
    let sent = 0;
    await waitUntil(async () => {
      const answers = await Promise.all(Array.from({ length: 60 }, () => send(randomText())));
      sent += answers.length;
      const refused = answers.filter((answer) => answer.status === 503);
      expect(refused.map(({ headers }) => headers['retry-after'])).toEqual(refused.map(() => '1'));
      expect(answers.filter((answer) => answer.status === status)).toHaveLength(60 - refused.length);
      // The second may be used up by what was sent before.
      return refused.length > 0 && queries[query].mock.calls.length > 0;
    });
    expect(queries[query].mock.calls.length).toBeLessThan(sent);
  });

  it('should cost the database nothing when nobody can have it', async () => {
    const answers = await Promise.all([
      ...['sk_live_x', `sk_live_${'A'.repeat(42)}B`, `sk_prod_${'A'.repeat(43)}`].map((key) => track(key)),
      ...['null', 'https://a.example/path', 'x'].map((origin) => preflight(origin)),
      ...['rt_x', `rt_${'A'.repeat(44)}`].map((token) => tokens('refresh')(token)),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 403, 403, 403, 401, 401]);
    for (const query of Object.values(queries)) expect(query).not.toHaveBeenCalled();
  });
});
