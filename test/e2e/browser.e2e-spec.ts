import { createHmac } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import request from 'supertest';
import { RedisServer } from '../../src/embedded/redis.server.js';
import type { CreatedApiKey } from '../../src/tenants/api-key.js';
import { ApiKeys, type NewApiKey } from '../../src/tenants/api-keys.service.js';
import { ControlPlaneDatabase } from '../../src/tenants/control-plane.database.js';
import { Tenants } from '../../src/tenants/tenants.service.js';
import { TEST_ENCRYPTION_KEY } from '../support/control-plane.services.js';
import { postgresIsInstalled, PostgresServer } from '../support/postgres.server.js';
import { routesOf } from '../support/routes.js';
import { IdempotencyStore } from '../../src/idempotency/idempotency.store.js';
import { sharedService, startService, type TestService, type TestTenant } from '../support/service.js';
import { waitUntil } from '../support/wait-until.js';

const SESSION = '/api/auth/session/';
const TRACK = '/api/ingestion/track/';
const BATCH = '/api/ingestion/track/batch/';
const SHOP = 'https://shop.example.com';
const EVENT = { user_id: 'somebody else', event_type: 'page_viewed' };
const CORS_HEADERS = [
  'access-control-allow-origin',
  'access-control-allow-methods',
  'access-control-allow-headers',
  'access-control-expose-headers',
  'access-control-max-age',
  'access-control-allow-credentials',
];

const nowSeconds = () => Math.floor(Date.now() / 1000);
const corsHeadersOf = ({ headers }: request.Response) => CORS_HEADERS.filter((name) => name in headers);

/** What a page's script does, as far as a server can see: everything it sends carries the page's origin. */
class Page {
  constructor(
    private readonly url: string,
    private readonly origin?: string,
  ) {}

  preflight(path: string): request.Test {
    return this.send('options', path).set('access-control-request-method', 'POST');
  }

  openSession(key: string, body: object): request.Test {
    return this.send('post', SESSION).set('authorization', `ApiKey ${key}`).send(body);
  }

  async tokenOf(key: string, body: object): Promise<string> {
    const response = await this.openSession(key, body).expect(200);
    return (response.body as { token: string }).token;
  }

  track(token: string, body: object = EVENT, path = TRACK): request.Test {
    return this.send('post', path).set('authorization', `Bearer ${token}`).send(body);
  }

  private send(method: 'options' | 'post', path: string): request.Test {
    const call = request(this.url)[method](path);
    return this.origin === undefined ? call : call.set('origin', this.origin);
  }
}

describe('web pages and apps', () => {
  let service: TestService;
  let tenant: TestTenant;
  let shop: Page;
  let app: Page;

  beforeAll(async () => {
    service = await sharedService();
  });
  beforeEach(async () => {
    tenant = await service.createTenant();
    shop = new Page(service.url, SHOP);
    app = new Page(service.url);
  });

  const createKey = (settings: Partial<NewApiKey> = {}) => createKeyOf(service, tenant.tenantId, settings);

  describe('the way of an event', () => {
    it('should lead from the preflight to a stored event of the signed user, whatever the body says', async () => {
      const { key, hmacSecret } = await createKey({ requireSignedUserId: true });
      await shop.preflight(SESSION).expect(204);
      const ts = nowSeconds();
      const signature = createHmac('sha256', Buffer.from(hmacSecret!, 'hex')).update(`ann|${ts}`).digest('hex');
      const body = { user_id: 'ann', anonymous_id: 'c0ffee', user_id_sig: signature, user_id_ts: ts };
      const before = nowSeconds();
      const opened = await shop.openSession(key, body);
      const after = nowSeconds();
      expect(opened.status).toBe(200);
      expect(opened.body).toEqual({
        token: expect.any(String),
        expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        uid: 'ann',
      });
      expect(opened.headers).toMatchObject({
        'access-control-allow-origin': SHOP,
        'cache-control': 'no-store',
        vary: 'Origin',
      });
      const { token, expires_at } = opened.body as { token: string; expires_at: string };
      const openedAt = Date.parse(expires_at) / 1000 - 15 * 60;
      expect(openedAt).toBeGreaterThanOrEqual(before);
      expect(openedAt).toBeLessThanOrEqual(after + 1);

      await shop.preflight(TRACK).expect(204);
      const tracked = await shop.track(token);
      expect(tracked.status).toBe(202);
      expect(tracked.headers).toMatchObject({ 'access-control-allow-origin': SHOP, vary: 'Origin' });
      await shop.preflight(BATCH).expect(204);
      const events = [EVENT, { event_type: 'page_viewed' }, { ...EVENT, user_id: 7 }];
      const batch = await shop.track(token, { events }, BATCH);
      expect(batch.body).toEqual({ queued: 3, skipped: 0 });
      const stored = await tenant.storedEvents(4);
      expect(stored.map(({ user_id }) => user_id)).toEqual(['ann', 'ann', 'ann', 'ann']);
    });

    it('should let an app without origins send events of its anonymous visitor', async () => {
      const { key } = await createKey({ allowedOrigins: [], requireSignedUserId: true });
      const opened = await app.openSession(key, { anonymous_id: 'c0ffee' });
      expect(opened.body).toMatchObject({ uid: 'anon_c0ffee' });
      expect(corsHeadersOf(opened)).toEqual([]);
      await app.track((opened.body as { token: string }).token).expect(202);
      expect(await tenant.storedEvents(1)).toMatchObject([{ user_id: 'anon_c0ffee' }]);
    });

    it('should be remembered within the bounds of the session, and the servers’ within those of their key', async () => {
      const remember = jest.spyOn(service.app.get(IdempotencyStore), 'remember');
      const { id: apiKeyId, key } = await createKey();
      const tokens = [await shop.tokenOf(key, { user_id: 'ann' }), await shop.tokenOf(key, { user_id: 'ann' })];
      for (const token of tokens) await shop.track(token).set('idempotency-key', token.slice(-20)).expect(202);
      await tenant.post(TRACK, EVENT, { 'idempotency-key': 'k' }).expect(202);
      const callers = remember.mock.calls
        .filter(([{ tenantId }]) => tenantId === tenant.tenantId)
        .map((call) => call[2]);
      remember.mockRestore();
      const session = { apiKeyId, sessionId: expect.any(String) as string };
      expect(callers).toEqual([session, session, { apiKeyId: expect.any(String) as string, sessionId: undefined }]);
      expect(new Set(callers.map((caller) => caller?.sessionId)).size).toBe(3);
    });

    it('should end with the key: the next event gets a 401 that the page can read', async () => {
      const { id, key } = await createKey();
      // Its successor, as when keys are rotated.
      const next = await createKey();
      const token = await shop.tokenOf(key, { user_id: 'ann' });
      await shop.track(token).expect(202);
      await service.app.get(ApiKeys).revoke({ tenantId: tenant.tenantId, id });
      const refused = await shop.track(token);
      expect(refused.status).toBe(401);
      expect(refused.headers['access-control-allow-origin']).toBe(SHOP);
      await shop.openSession(key, { user_id: 'ann' }).expect(401);
      await shop.track(await shop.tokenOf(next.key, { user_id: 'ann' })).expect(202);
    });
  });

  describe('the handshake', () => {
    it.each<[object, object]>([
      [{}, { user_id: ['is required, unless there is an anonymous_id.'] }],
      [{ user_id: null, anonymous_id: null }, { user_id: ['is required, unless there is an anonymous_id.'] }],
      [{ user_id: '' }, { user_id: ['must not be blank.'] }],
      [{ user_id: '   ', anonymous_id: 'a' }, { user_id: ['must not be blank.'] }],
      [{ user_id: 7 }, { user_id: ['must be a string.'] }],
      [{ user_id: { $ne: 1 } }, { user_id: ['must be a string.'] }],
      [{ user_id: 'a\u0000b' }, { user_id: ['must not contain control characters.'] }],
      [{ user_id: 'x'.repeat(256) }, { user_id: ['must have at most 255 characters.'] }],
      [{ anonymous_id: ['a'] }, { anonymous_id: ['must be a string.'] }],
      [{ anonymous_id: '' }, { anonymous_id: ['must not be blank.'] }],
      [{ anonymous_id: 'x'.repeat(251) }, { anonymous_id: ['must have at most 250 characters.'] }],
      [{ user_id: 'ann', user_id_sig: 7 }, { user_id_sig: ['must be a string.'] }],
      ...[1.5, -1, 'soon', '', true, ['5'], 1e300].map(
        (user_id_ts) =>
          [{ user_id: 'a', user_id_ts }, { user_id_ts: ['must be Unix seconds, such as 1777122000.'] }] as [
            object,
            object,
          ],
      ),
    ])('should answer 400 to %j', async (body, errors) => {
      const { key } = await createKey();
      const response = await shop.openSession(key, body);
      expect(response.status).toBe(400);
      expect(response.body).toEqual(errors);
      expect(response.headers['access-control-allow-origin']).toBe(SHOP);
    });

    it.each([
      [{ user_id: 'x'.repeat(255) }, 'x'.repeat(255)],
      [{ anonymous_id: '🛒'.repeat(250) }, `anon_${'🛒'.repeat(250)}`],
      [{ user_id: null, anonymous_id: 'a' }, 'anon_a'],
      [{ user_id: 'ann', anonymous_id: null, user_id_sig: null, user_id_ts: null, other: {} }, 'ann'],
    ])('should take %j', async (body, uid) => {
      const { key } = await createKey();
      const opened = await shop.openSession(key, body);
      expect(opened.body).toMatchObject({ uid });
      await shop.track((opened.body as { token: string }).token).expect(202);
      expect(await tenant.storedEvents(1)).toMatchObject([{ user_id: uid }]);
    });

    it.each(['[]', '"x"', 'null', '7', '{'])('should answer 400 to the body %s', async (body) => {
      const { key } = await createKey();
      const call = shop.openSession(key, {}).set('content-type', 'application/json');
      expect((await call.serialize(() => body).send({})).status).toBe(400);
    });

    it('should answer 403 to other credentials, and 401 to none', async () => {
      for (const authorization of [`ApiKey ${tenant.key}`, `Bearer ${tenant.userToken}`]) {
        await request(service.url).post(SESSION).set({ authorization }).send({ user_id: 'ann' }).expect(403);
      }
      const { key } = await createKey({ allowedOrigins: [] });
      const token = await app.tokenOf(key, { user_id: 'ann' });
      await request(service.url).post(SESSION).set('authorization', `Bearer ${token}`).send({}).expect(403);
      await request(service.url).post(SESSION).send({ user_id: 'ann' }).expect(401);
    });
  });

  describe('a signed user id', () => {
    type Claim = Readonly<Record<string, unknown>>;
    const sign = (text: string, key: Buffer | string) => createHmac('sha256', key).update(text).digest('hex');
    /** A right claim for `ann`, but for the changes. */
    const claim = (secret: string, changes: (decoded: Buffer) => Claim): Claim => {
      const decoded = Buffer.from(secret, 'hex');
      const user_id_ts = nowSeconds();
      return { user_id: 'ann', user_id_ts, user_id_sig: sign(`ann|${user_id_ts}`, decoded), ...changes(decoded) };
    };
    const of = (seconds: number) => (decoded: Buffer) => ({
      user_id_ts: nowSeconds() + seconds,
      user_id_sig: sign(`ann|${nowSeconds() + seconds}`, decoded),
    });

    it.each<[string, (decoded: Buffer) => Claim]>([
      ['as it should be', () => ({})],
      ['with its time as text', () => ({ user_id_ts: String(nowSeconds()) })],
      ['of 4 minutes ago', of(-240)],
    ])('should be taken %s', async (_, changes) => {
      const { key, hmacSecret } = await createKey({ requireSignedUserId: true });
      await shop.openSession(key, claim(hmacSecret!, changes)).expect(200);
    });

    const badClaims: [string, RegExp, (decoded: Buffer, secret: string) => Claim][] = [
      ['of 6 minutes ago', /too old/, of(-360)],
      ['of in 6 minutes', /too new/, of(360)],
      [
        'in upper case',
        /wrong.*lower case/,
        (decoded) => ({ user_id_sig: sign(`ann|${nowSeconds()}`, decoded).toUpperCase() }),
      ],
      ['of another user', /wrong/, () => ({ user_id: 'bob' })],
      [
        'keyed with the text of the secret',
        /wrong.*hex-decoded/,
        (_, secret) => ({ user_id_sig: sign(`ann|${nowSeconds()}`, secret) }),
      ],
      ['with another time', /wrong/, () => ({ user_id_ts: nowSeconds() - 60 })],
      ['that is empty', /wrong/, () => ({ user_id_sig: '' })],
      ['without its time', /missing/, () => ({ user_id_ts: undefined })],
    ];

    it.each(badClaims)('should be refused with 403 %s, also where none is required', async (_, reason, changes) => {
      for (const requireSignedUserId of [true, false]) {
        const { key, hmacSecret } = await createKey({ requireSignedUserId });
        const body = claim(hmacSecret!, (decoded) => changes(decoded, hmacSecret!));
        const response = await shop.openSession(key, body);
        expect(response.status).toBe(403);
        expect(response.body).toEqual({ detail: expect.stringMatching(reason) });
        expect(response.headers['access-control-allow-origin']).toBe(SHOP);
        expect(response.text).not.toContain(hmacSecret);
      }
    });

    it('should be refused when another key’s secret signed it', async () => {
      const { key } = await createKey({ requireSignedUserId: true });
      const { hmacSecret } = await createKey({ requireSignedUserId: true });
      const body = claim(hmacSecret!, () => ({}));
      await shop.openSession(key, body).expect(403);
    });

    it.each(['ann', 'anon_c0ffee'])(
      'should be required of %s where the key says so, and only there',
      async (user_id) => {
        const { key } = await createKey({ requireSignedUserId: true });
        const response = await shop.openSession(key, { user_id, anonymous_id: 'c0ffee' });
        expect(response.status).toBe(403);
        expect(response.body).toEqual({ detail: expect.stringContaining('is missing') });
        const lenient = await createKey();
        await shop.openSession(lenient.key, { user_id }).expect(200);
      },
    );
  });

  describe('origins', () => {
    const listed = ['https://shop.example.com', 'https://SHOP.example.com', 'https://a-b.example.com'];
    const foreign = [
      'https://example.com',
      'https://evil-example.com',
      'https://a.b.example.com',
      'https://example.com.evil.com',
      'http://shop.example.com',
      'https://shop.example.com:8443',
      'https://shop.example.com.',
      'https://*.example.com',
      'null',
      'shop.example.com',
      `https://${'a.'.repeat(5_000)}example.com`,
      `https://shop.example.com, ${SHOP}`,
    ];

    it.each(listed)('should admit %s to the handshake and with its session', async (origin) => {
      const { key } = await createKey();
      const page = new Page(service.url, origin);
      await page.preflight(SESSION).expect(204).expect('access-control-allow-origin', origin);
      await page.track(await page.tokenOf(key, { user_id: 'ann' })).expect(202);
    });

    it.each(foreign.map((origin) => [origin.slice(0, 50), origin]))(
      'should answer 403 without CORS headers to %s',
      async (_, origin) => {
        const { key } = await createKey();
        const token = await shop.tokenOf(key, { user_id: 'ann' });
        const page = new Page(service.url, origin);
        const answers = [
          await page.preflight(SESSION),
          await page.openSession(key, { user_id: 'ann' }),
          await page.track(token),
          await page.track(token, { events: [EVENT] }, BATCH),
        ];
        expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
        for (const answer of answers) {
          expect(answer.body).toEqual({ detail: expect.any(String) });
          expect(corsHeadersOf(answer)).toEqual([]);
        }
      },
    );

    it('should answer 403 without CORS headers where only another key lists the origin', async () => {
      const ours = await createKey({ allowedOrigins: ['https://ours.example.org'] });
      await createKey({ allowedOrigins: ['https://theirs.example.org'] });
      const token = await new Page(service.url, 'https://ours.example.org').tokenOf(ours.key, { user_id: 'ann' });
      const page = new Page(service.url, 'https://theirs.example.org');
      await page.preflight(SESSION).expect(204);
      for (const answer of [await page.openSession(ours.key, { user_id: 'ann' }), await page.track(token)]) {
        expect(answer.status).toBe(403);
        expect(answer.body).toEqual({ detail: expect.stringContaining('allowed_origins') });
        expect(corsHeadersOf(answer)).toEqual([]);
      }
    });

    it('should tell keys of pages, which need an Origin, from keys of apps, which take none', async () => {
      const ofPage = await createKey();
      const ofApp = await createKey({ allowedOrigins: [] });
      const withoutOrigin = await app.openSession(ofPage.key, { user_id: 'ann' });
      expect(withoutOrigin.status).toBe(403);
      expect(withoutOrigin.body).toEqual({ detail: expect.stringContaining('is for web pages') });
      const withOrigin = await shop.openSession(ofApp.key, { user_id: 'ann' });
      expect(withOrigin.status).toBe(403);
      expect(withOrigin.body).toEqual({ detail: expect.stringContaining('is for apps') });
      await app.track(await shop.tokenOf(ofPage.key, { user_id: 'ann' })).expect(202);
      await shop.track(await app.tokenOf(ofApp.key, { user_id: 'ann' })).expect(403);
    });

    it('should not bind secret keys', async () => {
      const answer = await tenant.post(TRACK, EVENT, { origin: 'https://nobody.example.net' });
      expect(answer.status).toBe(202);
      expect(corsHeadersOf(answer)).toEqual([]);
    });

    it('should follow the keys at once', async () => {
      const page = new Page(service.url, 'https://fleeting.example.net');
      await page.preflight(TRACK).expect(403);
      const { id } = await createKey({ allowedOrigins: ['https://fleeting.example.net'] });
      await page.preflight(TRACK).expect(204);
      await service.app.get(ApiKeys).revoke({ tenantId: tenant.tenantId, id });
      await page.preflight(TRACK).expect(403);
    });

    it('should cost no database when made up', async () => {
      const select = jest.spyOn(service.app.get(ControlPlaneDatabase).db, 'select');
      for (const origin of ['null', 'x'.repeat(10_000), `https://${'a'.repeat(10_000)}.example.com`, 'a://b/c']) {
        await new Page(service.url, origin).preflight(TRACK).expect(403);
      }
      expect(select).not.toHaveBeenCalled();
      const page = new Page(service.url, 'https://asked-for-once.example.net');
      await Promise.all(Array.from({ length: 10 }, () => page.preflight(TRACK).expect(403)));
      expect(select).toHaveBeenCalledTimes(1);
      select.mockRestore();
    });
  });

  describe('CORS', () => {
    beforeEach(async () => {
      await createKey();
    });

    it.each([SESSION, TRACK, BATCH].flatMap((path) => [path, path.slice(0, -1), `${path}?x=1`, `/${path}/`]))(
      'should answer the preflight of %s',
      async (path) => {
        const headers = 'authorization,baggage,content-type,sentry-trace,traceparent,x-whatever-comes-next';
        const answer = await shop.preflight(path).set('access-control-request-headers', headers);
        expect(answer.status).toBe(204);
        expect(answer.text).toBe('');
        expect(answer.headers).toMatchObject({
          'access-control-allow-origin': SHOP,
          'access-control-allow-methods': 'POST',
          'access-control-allow-headers': headers,
          'access-control-max-age': '600',
          'x-request-id': expect.any(String),
          vary: 'Origin, Access-Control-Request-Headers',
        });
        expect(answer.headers).not.toHaveProperty('access-control-allow-credentials');
      },
    );

    it.each<[string, number, (call: request.Test) => request.Test]>([
      ['no credential', 401, (call) => call.send(EVENT)],
      ['a token that is no good', 401, (call) => call.set('authorization', 'Bearer a.b.c').send(EVENT)],
      ['an unknown key', 401, (call) => call.set('authorization', `ApiKey pk_live_${'A'.repeat(43)}`).send(EVENT)],
      [
        'a body that is no JSON',
        415,
        (call) => call.set('authorization', `ApiKey ${tenant.key}`).type('text/plain').send('x'),
      ],
    ])('should let a page read the answer to %s', async (_, status, send) => {
      const answer = await send(request(service.url).post(TRACK).set('origin', SHOP));
      expect(answer.status).toBe(status);
      expect(answer.headers).toMatchObject({
        'access-control-allow-origin': SHOP,
        'access-control-expose-headers':
          'x-request-id, idempotency-replayed, retry-after, ratelimit-limit, ratelimit-remaining, ratelimit-reset',
        vary: 'Origin',
      });
    });

    it('should let a page read that the plan is used up, and when to come back', async () => {
      const { key } = await createKey();
      const limits = { callsPerMinute: 1, eventsPerMonth: null };
      await service.app.get(Tenants).setPlan(tenant.tenantId, { plan: 'enterprise', ...limits });
      await shop.openSession(key, { user_id: 'ann' }).expect(200);
      const answer = await shop.openSession(key, { user_id: 'ann' });
      expect(answer.status).toBe(429);
      expect(answer.headers).toMatchObject({
        'access-control-allow-origin': SHOP,
        'retry-after': expect.any(String),
        'ratelimit-remaining': '0',
      });
    });

    it('should leave every other route and method closed', async () => {
      for (const path of ['/api/ingestion/errors/', '/api/auth/api-keys/', '/api/ingestion/health/', '/nowhere/']) {
        const preflight = await shop.preflight(path);
        expect([404, 405]).toContain(preflight.status);
        expect(corsHeadersOf(preflight)).toEqual([]);
        expect(corsHeadersOf(await request(service.url).get(path).set('origin', SHOP))).toEqual([]);
      }
      const noPreflight = await request(service.url).options(TRACK).set('origin', SHOP);
      expect(noPreflight.status).toBe(405);
      expect(corsHeadersOf(noPreflight)).toEqual([]);
    });

    it('should say nothing to callers without an Origin', async () => {
      const answer = await tenant.post(TRACK, EVENT).expect(202);
      expect(corsHeadersOf(answer)).toEqual([]);
      expect(answer.headers).not.toHaveProperty('vary');
      await request(service.url).options(TRACK).set('access-control-request-method', 'POST').expect(405);
    });
  });

  it('should answer 403 to a session’s token on every route but those of events', async () => {
    const { key } = await createKey({ allowedOrigins: [] });
    const token = await app.tokenOf(key, { user_id: 'ann' });
    const routes = routesOf(service.app).map((route) => route.split(' ') as [string, string]);
    const statuses = await Promise.all(
      routes.map(async ([method, path]) => {
        const response = await fetch(`${service.url}${path.replace(/:\w+/, 'x')}/`, {
          method,
          headers: { authorization: `Bearer ${token}` },
          ...(method === 'POST' || method === 'PUT' ? { body: new Blob(['{}'], { type: 'application/json' }) } : {}),
        });
        return [`${method} ${path}`, response.status] as const;
      }),
    );
    const admitted = statuses.filter(([, status]) => status !== 403).map(([route]) => route);
    expect(admitted).not.toContain('GET /api/auth/api-keys');
    expect(admitted.filter((route) => !isOpenToEverybody(route)).sort()).toEqual([
      'POST /api/ingestion/track',
      'POST /api/ingestion/track/batch',
    ]);
  });

  const isOpenToEverybody = (route: string): boolean =>
    /\/(livez|readyz|metrics|health|jwks|jwks\.json|token|token\/refresh|token\/revoke|shopify\/:\w+)$/.test(route);
});

describe('a page while Redis is away, and no spool stands in for it', () => {
  let dataDir: string;
  let redis: RedisServer;
  let service: TestService;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'segops-browser-'));
    redis = await RedisServer.start({ dataDir });
    service = await startService({ REDIS_URL: redis.url, ROLE: 'api', SPOOL_MAX_BYTES: '0' });
  });
  afterAll(async () => {
    await service.stop();
    await redis.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  it('should be able to read the 503 and its Retry-After', async () => {
    const { tenantId } = await service.createTenant();
    const shop = new Page(service.url, SHOP);
    const { key } = await createKeyOf(service, tenantId);
    const token = await shop.tokenOf(key, { user_id: 'ann' });
    await redis.kill();
    const answer = await shop.track(token);
    expect(answer.status).toBe(503);
    expect(answer.headers).toMatchObject({ 'access-control-allow-origin': SHOP, 'retry-after': expect.any(String) });
  });
});

(postgresIsInstalled ? describe : describe.skip)('a page while PostgreSQL is away', () => {
  let postgres: PostgresServer;
  let service: TestService;

  beforeAll(async () => {
    postgres = await PostgresServer.start();
    service = await startService({
      ROLE: 'api',
      DATABASE_URL: postgres.url,
      ENCRYPTION_KEY: TEST_ENCRYPTION_KEY,
    });
  });
  afterAll(async () => {
    await service.stop();
    await postgres.stop();
  });

  it('should go on where its origin is known, and get no CORS headers, but no 500, where it is not', async () => {
    const tenant = await service.createTenant();
    const shop = new Page(service.url, SHOP);
    const stranger = new Page(service.url, 'https://stranger.example.net');
    const { key } = await createKeyOf(service, tenant.tenantId);
    const token = await shop.tokenOf(key, { user_id: 'ann' });
    await shop.track(token).expect(202);
    await tenant.post(TRACK, EVENT).expect(202);

    const errors = jest.spyOn(Logger.prototype, 'error');
    await postgres.pause();
    await shop.preflight(TRACK).expect(204);
    await shop.track(token).expect(202).expect('access-control-allow-origin', SHOP);
    const unknownKey = await shop.openSession(`pk_live_${'A'.repeat(43)}`, { user_id: 'ann' });
    expect(unknownKey.status).toBe(503);
    expect(unknownKey.headers).toMatchObject({ 'access-control-allow-origin': SHOP, 'retry-after': '2' });
    for (const origin of ['https://stranger.example.net', 'https://another.example.net']) {
      const answer = await tenant.post(TRACK, EVENT, { origin });
      expect(answer.status).toBe(202);
      expect(corsHeadersOf(answer)).toEqual([]);
    }
    const logged = errors.mock.calls.filter(([message]) => String(message).startsWith('Web pages cannot read'));
    expect(logged).toHaveLength(1);
    errors.mockRestore();
    const preflight = await stranger.preflight(TRACK);
    expect(preflight.status).toBe(503);
    expect(preflight.headers).toHaveProperty('retry-after', '2');
    expect(corsHeadersOf(preflight)).toEqual([]);

    await postgres.resume();
    await waitUntil(async () => (await stranger.preflight(TRACK)).status === 403);
  });
});

function createKeyOf(
  service: TestService,
  tenantId: string,
  settings: Partial<NewApiKey> = {},
): Promise<CreatedApiKey> {
  const page: NewApiKey = {
    tenantId,
    name: 'page',
    type: 'public',
    mode: 'live',
    allowedOrigins: ['https://*.example.com'],
  };
  return service.app.get(ApiKeys).create({ ...page, ...settings });
}
