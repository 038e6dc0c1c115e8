import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import request from 'supertest';
import { gzipSync } from 'node:zlib';
import { ShopifyAccounts } from '../../src/shopify/settings/shopify-accounts.service.js';
import { ClickHouseServer } from '../../src/embedded/clickhouse.server.js';
import { Spool } from '../../src/transport/spool/spool.js';
import { RedisServer } from '../../src/embedded/redis.server.js';
import { freshRedisPrefix } from '../support/servers.js';
import { freshControlPlane } from '../support/control-plane.js';
import { sharedService, startService, type TestService, type TestTenant } from '../support/service.js';
import { deliver, type Delivery, webhookFixture } from '../support/shopify.js';
import { waitUntil } from '../support/wait-until.js';

const SECRET = 'hush-hush-9b1c';
const SHOP = 'north-pine.myshopify.com';
const ORDER = webhookFixture('orders/create');

describe('Shopify webhooks', () => {
  let service: TestService;
  let tenant: TestTenant;

  beforeAll(async () => {
    service = await sharedService();
  });
  beforeEach(async () => {
    tenant = await service.createTenant();
    await service.app.get(ShopifyAccounts).change(tenant.tenantId, { secrets: [SECRET], shopDomain: SHOP });
  });

  const post = (delivery: Partial<Delivery> = {}, tenantId = tenant.tenantId) =>
    deliver(service.url, tenantId, { topic: 'orders/create', body: ORDER, secret: SECRET, ...delivery });
  const recordedErrors = async (count: number) => {
    const read = async () => {
      const { body } = await request(service.url)
        .get('/api/ingestion/errors/')
        .set('authorization', `ApiKey ${tenant.key}`);
      return (body as { errors: Record<string, unknown>[] }).errors;
    };
    await waitUntil(async () => (await read()).length >= count);
    return read();
  };
  const rowsOf = async (table: string) => {
    const result = await service.clickhouse.query({
      query: `SELECT * FROM ${table} WHERE tenant_id = {tenantId: String}`,
      query_params: { tenantId: tenant.tenantId },
      format: 'JSONEachRow',
    });
    return result.json<Record<string, unknown>>();
  };

  it('should store an order once, digit for digit, for the customer’s address', async () => {
    const answer = await post();
    expect({ status: answer.status, body: answer.body }).toEqual({ status: 202, body: { queued: true } });
    const [event, ...others] = await tenant.storedEvents(1);
    expect(others).toEqual([]);
    expect(event).toMatchObject({ event_type: 'order_placed', user_id: 'zoe@lindqvist.example' });
    expect(event!.payload).toContain('"order_id":"820982911946154508"');
    expect(JSON.parse(event!.payload)).toMatchObject({ total: 59.9, currency: 'EUR', financial_status: 'pending' });
  });

  it('should take compressed deliveries and a path without its slash', async () => {
    const compressed = await request(service.url)
      .post(`/api/ingestion/shopify/${tenant.tenantId}`)
      .set({ ...signedHeaders(ORDER), 'content-encoding': 'gzip' })
      .serialize((bytes: Buffer) => bytes as unknown as string)
      .send(gzipSync(ORDER));
    expect(compressed.status).toBe(202);
  });

  it.each(['products/update', 'customer.tags_added'])(
    'should answer 200 and store nothing for %s, which has no event',
    async (topic) => {
      const answer = await post({ topic });
      expect({ status: answer.status, body: answer.body }).toEqual({ status: 200, body: { queued: false } });
    },
  );

  it('should accept any of several secrets, and none that was replaced', async () => {
    const accounts = service.app.get(ShopifyAccounts);
    await accounts.addSecret(tenant.tenantId, 'the-next-one');
    expect((await post()).status).toBe(202);
    expect((await post({ secret: 'the-next-one' })).status).toBe(202);
    await accounts.change(tenant.tenantId, { secrets: ['the-next-one'] });
    expect((await post()).status).toBe(401);
    expect((await post({ secret: 'the-next-one' })).status).toBe(202);
  });

  describe('should answer 401 in the same words', () => {
    const answers: unknown[] = [];
    afterAll(() => {
      expect(answers).toHaveLength(8);
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    });
    const refused = async (test: request.Test) => {
      const { status, body } = await test;
      expect(status).toBe(401);
      answers.push(body);
    };

    it('to another secret', () => refused(post({ secret: 'hush-hush-9b1d' })));
    it('without a signature', () => refused(post({ headers: { 'x-shopify-hmac-sha256': '' } })));
    it('to a signature that is too short', () => refused(post({ headers: { 'x-shopify-hmac-sha256': 'abc=' } })));
    it('to a signature in hexadecimal', () => refused(post({ headers: { 'x-shopify-hmac-sha256': 'ab'.repeat(32) } })));
    it('to Shopify’s test deliveries that are not signed', () =>
      refused(post({ secret: 'x', headers: { 'x-shopify-test': 'true' } })));
    it('at the address of a tenant that does not exist', () => refused(post({}, 'nobody')));
    it('at the address of a tenant without a secret', async () => {
      await service.app.get(ShopifyAccounts).change(tenant.tenantId, { secrets: [] });
      await refused(post());
      expect(await recordedErrors(1)).toMatchObject([{ error_type: 'webhook_refused' }]);
    });
    it('to another tenant’s secret', async () => {
      const other = await service.createTenant();
      await service.app.get(ShopifyAccounts).change(other.tenantId, { secrets: ['another-secret'] });
      await refused(post({ secret: 'another-secret' }));
    });
  });

  it('should answer 401 and not 500 to an address that is no slug', async () => {
    for (const path of ['%00', 'x'.repeat(90), 'x'.repeat(5_000), "a'b", '__proto__']) {
      expect((await post({}, path)).status).toBe(401);
    }
  });

  it('should refuse another shop’s domain, and record it for the tenant', async () => {
    const answer = await post({ headers: { 'x-shopify-shop-domain': 'evil.myshopify.com' } });
    expect(answer.status).toBe(403);
    expect((await post({ headers: { 'x-shopify-shop-domain': SHOP.toUpperCase() } })).status).toBe(202);
    const [error] = await recordedErrors(1);
    expect(error).toMatchObject({ error_type: 'webhook_refused', source: 'shopify' });
    expect(String(error!['detail'])).toMatch(/names another shop/);
  });

  it('should record a wrong signature for the tenant, without the signature or the secret', async () => {
    const answer = await post({ secret: 'wrong-secret' });
    const [error] = await recordedErrors(1);
    expect(error).toMatchObject({ error_type: 'webhook_refused', request_id: answer.headers['x-request-id'] });
    expect(JSON.stringify(error)).not.toMatch(/hush-hush|wrong-secret|=/);
  });

  it.each([
    ['is empty', ''],
    ['is not JSON', 'order=1'],
    ['is JSON, but no object', '[1]'],
    ['is not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
  ])('should answer 400 when the body %s', async (_, body) => {
    const answer = await post({ body: Buffer.from(body) });
    expect({ status: answer.status, body: answer.body }).toEqual({
      status: 400,
      body: { detail: expect.any(String) },
    });
  });

  it('should store one row of a delivery that comes several times at once', async () => {
    for (let i = 0; i < 5; i++) {
      const headers = { 'x-shopify-webhook-id': `at-once-${i}` };
      const answers = await Promise.all(Array.from({ length: 5 }, () => post({ headers })));
      expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202]);
    }
    await post({ headers: { 'x-shopify-webhook-id': 'last' } });
    await waitUntil(async () => (await rowsOf('events')).some(({ event_id }) => event_id === 'shopify:webhook:last'));
    expect(await rowsOf('events')).toHaveLength(6);
  });

  it('should answer 400 without a topic', async () => {
    const answer = await deliver(service.url, tenant.tenantId, { body: ORDER, secret: SECRET });
    expect(answer.status).toBe(400);
    expect((answer.body as { detail: string }).detail).toContain('X-Shopify-Topic');
  });

  it('should record a signed webhook that it cannot read, whatever its type is said to be', async () => {
    const xml = Buffer.from('<?xml version="1.0"?><order><id>1</id></order>');
    const unreadable: [type: string, body: Buffer, status: number][] = [
      ['application/xml', xml, 415],
      ['text/xml; charset=utf-8', xml, 415],
      ['nonsense', Buffer.from('{"id":'), 415],
      ['application/json', xml, 400],
      ['application/json', Buffer.from('[1,2]'), 400],
      ['application/json', Buffer.from('{"email":"Zo\u00eb"}', 'latin1'), 400],
      ['application/json', Buffer.alloc(0), 400],
    ];
    for (const [type, body, status] of unreadable) {
      const answer = await post({ body, headers: { 'content-type': type } });
      expect([type, answer.status]).toEqual([type, status]);
    }
    const errors = await recordedErrors(unreadable.length);
    expect(errors.map(({ error_type }) => error_type)).toEqual(unreadable.map(() => 'webhook_refused'));
    const details = errors.map(({ detail }) => String(detail));
    expect(details.filter((detail) => detail.includes('choose the format JSON'))).toHaveLength(3);
    expect(details.join()).toContain('not valid UTF-8: line 1, column 13.');
    expect(await rowsOf('events')).toEqual([]);
  });

  it('should ask for the signature before the type of the body, and tell strangers nothing else', async () => {
    for (const type of ['application/xml', 'text/plain', 'application/json']) {
      for (const body of [Buffer.from('<order/>'), Buffer.alloc(0)]) {
        const answer = await post({ body, secret: 'wrong', headers: { 'content-type': type } });
        expect([type, answer.status]).toEqual([type, 401]);
      }
    }
  });

  it('should take a signed webhook whose type is said to be another than JSON, though it is JSON', async () => {
    expect((await post({ headers: { 'content-type': 'text/plain' } })).status).toBe(202);
    expect(await tenant.storedEvents(1)).toMatchObject([{ event_type: 'order_placed' }]);
  });

  it('should tell of each topic that is mapped to no event once a minute, however often it comes', async () => {
    for (const topic of ['products/update', 'products/update', 'themes/publish', 'products/update']) {
      const answer = await post({ topic, body: Buffer.from('{"id":1}') });
      expect([answer.status, answer.body]).toEqual([200, { queued: false }]);
    }
    await post({ topic: 'refunds/create', body: Buffer.from('{"id":1,"order_id":2}') }).expect(200);
    await waitUntil(async () => (await recordedErrors(1)).some(({ error_type }) => error_type === 'webhook_refused'));
    const unmapped = (await recordedErrors(3)).filter(({ error_type }) => error_type === 'webhook_unmapped');
    expect(unmapped.map(({ detail }) => detail).sort()).toEqual([
      'A webhook was not stored. No event is mapped to the topic products/update.',
      'A webhook was not stored. No event is mapped to the topic themes/publish.',
    ]);
  });

  it('should take 1.5 MB and refuse 11 MB', async () => {
    const padded = (bytes: number) => Buffer.from(`{"note":"${'x'.repeat(bytes)}",${ORDER.toString().slice(1)}`);
    expect((await post({ body: padded(1_500_000) })).status).toBe(202);
    const answer = await post({ body: padded(11 * 1024 * 1024) });
    expect({ status: answer.status, body: answer.body }).toEqual({
      status: 413,
      body: { detail: 'The body is larger than 10485760 bytes, counted after decompression.' },
    });
  });

  it('should record an object that names nobody, and answer with success', async () => {
    const answer = await post({ topic: 'refunds/create', body: Buffer.from('{"id":1,"order_id":2}') });
    expect({ status: answer.status, body: answer.body }).toEqual({ status: 200, body: { queued: false } });
    expect(await recordedErrors(1)).toMatchObject([{ error_type: 'webhook_refused', event_type: 'order_refunded' }]);
  });

  it('should hold webhooks to the tenant’s schema, and record what breaks it', async () => {
    const schema = {
      event_type: 'order_placed',
      properties: [{ name: 'loyalty_tier', type: 'string', required: true }],
    };
    await request(service.url)
      .post('/api/schemas/')
      .set('authorization', `Bearer ${tenant.userToken}`)
      .send(schema)
      .expect(201);
    const answer = await post();
    expect({ status: answer.status, body: answer.body }).toEqual({ status: 200, body: { queued: false } });
    expect(await recordedErrors(1)).toMatchObject([
      {
        error_type: 'schema_violation',
        event_type: 'order_placed',
        user_id: 'zoe@lindqvist.example',
        source: 'shopify',
      },
    ]);
  });

  describe('about personal data', () => {
    const identify = async () => {
      await tenant.post('/api/ingestion/track/', {
        user_id: 'account@Lindqvist.example',
        event_type: 'context_identified',
        payload: { name: 'Zoe' },
      });
      await tenant.post('/api/ingestion/track/', { user_id: 'other@example.com', event_type: 'context_identified' });
      await tenant.post('/api/ingestion/track/', { user_id: 'Account@lindqvist.example', event_type: 'Bad Type' });
      await tenant.storedEvents(2);
      // ClickHouse fills it a moment later.
      await waitUntil(async () => (await rowsOf('user_properties')).length === 2);
      await recordedErrors(1);
    };

    it('should remove a customer’s events, properties and errors, and keep a record without personal data', async () => {
      await identify();
      const answer = await post({ topic: 'customers/redact', body: webhookFixture('customers/redact') });
      expect({ status: answer.status, body: answer.body }).toEqual({ status: 202, body: { queued: true } });
      await waitUntil(async () => (await rowsOf('compliance_requests')).length > 0);
      expect((await rowsOf('events')).map(({ user_id }) => user_id)).toEqual(['other@example.com']);
      expect((await rowsOf('user_properties')).map(({ user_id }) => user_id)).toEqual(['other@example.com']);
      expect(await rowsOf('ingestion_errors')).toEqual([]);
      const [record] = await rowsOf('compliance_requests');
      expect(record).toMatchObject({
        topic: 'customers/redact',
        events_removed: 1,
        properties_removed: 1,
        errors_removed: 1,
      });
      expect(JSON.stringify(record)).not.toMatch(/lindqvist|9007199254740993117|\+49/i);
    });

    it('should put a data request on record, and remove nothing', async () => {
      await identify();
      expect(
        (await post({ topic: 'customers/data_request', body: webhookFixture('customers/data_request') })).status,
      ).toBe(202);
      await waitUntil(async () => (await rowsOf('compliance_requests')).length > 0);
      expect(await rowsOf('events')).toHaveLength(2);
    });

    it('should remove what came from the shop', async () => {
      await post();
      await identify();
      expect((await post({ topic: 'shop/redact', body: webhookFixture('shop/redact') })).status).toBe(202);
      await waitUntil(async () => (await rowsOf('compliance_requests')).length > 0);
      expect((await rowsOf('events')).map(({ event_type }) => event_type)).toEqual([
        'context_identified',
        'context_identified',
      ]);
    });

    it('should refuse a request of another shop, which its signed body names', async () => {
      const body = Buffer.from(webhookFixture('customers/redact').toString().replace(SHOP, 'evil.myshopify.com'));
      expect((await post({ topic: 'customers/redact', body })).status).toBe(403);
      expect((await post({ topic: 'customers/redact', body, secret: 'wrong' })).status).toBe(401);
    });

    it('should not take any other signed body for a request, though the tenant takes webhooks of every shop', async () => {
      await service.app.get(ShopifyAccounts).change(tenant.tenantId, { shopDomain: null });
      expect((await post({ topic: 'shop/redact' })).status).toBe(400);
      expect((await post({ topic: 'customers/redact' })).status).toBe(403);
      expect((await post({ topic: 'shop/redact', body: webhookFixture('customers/redact') })).status).toBe(400);
      expect((await post({ topic: 'shop/redact', body: webhookFixture('app/uninstalled') })).status).toBe(403);
      expect(await recordedErrors(4)).toHaveLength(4);
      // Shopify leaves out headers of genuine ones.
      expect((await post({ topic: 'shop/redact', body: webhookFixture('shop/redact') })).status).toBe(202);
    });
  });

  describe('the settings', () => {
    const settings = (method: 'get' | 'put', body?: object) => {
      const call = request(service.url)[method]('/api/integrations/shopify/');
      return call.set('authorization', `Bearer ${tenant.userToken}`).send(body);
    };

    it('should take secrets, use them with the next webhook, and never show them', async () => {
      const changed = await settings('put', {
        secrets: ['s3cret-one', 's3cret-two'],
        shop_domain: 'New.myshopify.com',
      });
      expect({ status: changed.status, body: changed.body }).toEqual({
        status: 200,
        body: {
          shop_domain: 'new.myshopify.com',
          secrets: [
            { id: expect.any(String), created_at: expect.any(String) },
            { id: expect.any(String), created_at: expect.any(String) },
          ],
          webhook_path: `/api/ingestion/shopify/${tenant.tenantId}/`,
        },
      });
      expect(JSON.stringify((await settings('get')).body)).not.toContain('s3cret');
      expect((await post({ secret: 's3cret-two' })).status).toBe(202);
      expect((await post()).status).toBe(401);
    });

    it('should keep what a change does not name', async () => {
      await settings('put', { shop_domain: null });
      expect((await post({ headers: { 'x-shopify-shop-domain': 'any.myshopify.com' } })).status).toBe(202);
      expect((await settings('get')).body).toMatchObject({ shop_domain: null, secrets: [{}] });
    });

    it.each([
      [{ shop_domain: 'https://acme.myshopify.com' }, 'shop_domain'],
      [{ shop_domain: 'example.com' }, 'shop_domain'],
      [{ secrets: 'one' }, 'secrets'],
      [{ secrets: [''] }, 'secrets'],
      [{ secrets: ['   '] }, 'secrets'],
      [{ secrets: ['pasted\n'] }, 'secrets'],
      [{ secrets: [7] }, 'secrets'],
      [{ secrets: Array.from({ length: 7 }, String) }, 'secrets'],
    ])('should refuse %j', async (body, field) => {
      const answer = await settings('put', body);
      expect({ status: answer.status, fields: Object.keys(answer.body as object) }).toEqual({
        status: 400,
        fields: [field],
      });
    });
  });
});

describe('A Shopify delivery that is repeated', () => {
  it('should be stored once, with a restart of every process in between', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'segops-shopify-'));
    const controlPlane = await freshControlPlane(dataDir);
    const QUEUE_PREFIX = freshRedisPrefix();
    const startEverything = async () => {
      const redis = await RedisServer.start({ dataDir: join(dataDir, 'redis') });
      const clickhouse = await ClickHouseServer.start({ dataDir: join(dataDir, 'clickhouse') });
      const environment = {
        ...controlPlane.environment,
        REDIS_URL: redis.url,
        CLICKHOUSE_URL: clickhouse.url,
        DATA_DIR: dataDir,
        QUEUE_PREFIX,
      };
      const service = await startService(environment);
      const stop = async () => {
        await service.stop();
        await Promise.all([redis.stop(), clickhouse.stop()]);
      };
      return { service, stop };
    };
    const delivery = {
      topic: 'orders/create',
      body: ORDER,
      secret: SECRET,
      headers: { 'x-shopify-webhook-id': 'b54557e4-bdd9-4b37-8a5f-bf7d70bcd043' },
    };
    const first = await startEverything();
    const tenant = await first.service.createTenant();
    const { tenantId } = tenant;
    await first.service.app.get(ShopifyAccounts).change(tenantId, { secrets: [SECRET] });
    for (let i = 0; i < 3; i++) expect((await deliver(first.service.url, tenantId, delivery)).status).toBe(202);
    await tenant.storedEvents(1);
    await first.stop();

    const second = await startEverything();
    const { url, clickhouse } = second.service;
    for (let i = 0; i < 2; i++) expect((await deliver(url, tenantId, delivery)).status).toBe(202);
    // Another event, whose arrival shows that what came before it was stored too.
    await deliver(url, tenantId, { ...delivery, headers: { 'x-shopify-webhook-id': 'another' } });
    const stored = async () => {
      const result = await clickhouse.query({ query: 'SELECT event_id FROM events', format: 'JSONEachRow' });
      return result.json<{ event_id: string }>();
    };
    await waitUntil(async () => (await stored()).some(({ event_id }) => event_id.endsWith(':another')));
    expect(await stored()).toHaveLength(2);
    await second.stop();
    await controlPlane.drop();
    await rm(dataDir, { recursive: true });
  });
});

describe('Shopify webhooks while Redis is down', () => {
  it('should be answered with 503, and stored when they come again', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'segops-redis-'));
    let redis = await RedisServer.start({ dataDir });
    const service = await startService({ REDIS_URL: redis.url, SPOOL_MAX_BYTES: '0' });
    const tenant = await service.createTenant();
    const { tenantId } = tenant;
    await service.app.get(ShopifyAccounts).change(tenantId, { secrets: [SECRET] });
    const post = (topic: string) =>
      deliver(service.url, tenantId, { topic, body: webhookFixture(topic), secret: SECRET });
    await redis.kill();
    for (const topic of ['orders/create', 'customers/redact']) {
      const { status, headers } = await post(topic);
      expect({ status, retryAfter: headers['retry-after'] }).toEqual({ status: 503, retryAfter: '1' });
    }
    redis = await RedisServer.start({ dataDir, port: redis.port });
    await waitUntil(async () => (await post('orders/create')).status === 202);
    expect(await tenant.storedEvents(1)).toMatchObject([{ event_type: 'order_placed' }]);
    await service.stop();
    await redis.stop();
    await rm(dataDir, { recursive: true });
  });

  it('should be taken to the spool where there is one, and stored once, however often they come', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'segops-redis-'));
    let redis = await RedisServer.start({ dataDir });
    const service = await startService({ REDIS_URL: redis.url });
    const tenant = await service.createTenant();
    const { tenantId } = tenant;
    await service.app.get(ShopifyAccounts).change(tenantId, { secrets: [SECRET] });
    const headers = { 'x-shopify-webhook-id': 'b54557e4-bdd9-4b37-8a5f-bf7d70bcd043' };
    const post = () => deliver(service.url, tenantId, { topic: 'orders/create', body: ORDER, secret: SECRET, headers });
    await redis.kill();
    for (let i = 0; i < 3; i++) expect((await post()).status).toBe(202);
    redis = await RedisServer.start({ dataDir, port: redis.port });
    expect(await tenant.storedEvents(1, { timeoutMs: 15_000 })).toMatchObject([{ event_type: 'order_placed' }]);
    await waitUntil(() => service.app.get<Spool>(Spool).store.size === 0);
    expect((await post()).status).toBe(202);
    expect(await tenant.storedEvents(1)).toHaveLength(1);
    await service.stop();
    await redis.stop();
    await rm(dataDir, { recursive: true });
  });
});

function signedHeaders(body: Buffer): Record<string, string> {
  const { header } = deliver('http://127.0.0.1:1', 'x', {
    topic: 'orders/create',
    body,
    secret: SECRET,
  }) as unknown as {
    header: Record<string, string>;
  };
  return header;
}
