import request from 'supertest';
import { Tokens } from '../../src/auth/tokens/tokens.service.js';
import { EventSchemas } from '../../src/schemas/event-schemas.service.js';
import { ApiKeys } from '../../src/tenants/api-keys.service.js';
import { routesOf } from '../support/routes.js';
import { sharedService, type TestService, type TestTenant } from '../support/service.js';

/** What a request may come with. Those of the other tenant are just as valid, for that tenant. */
const CREDENTIALS = [
  'none',
  'forged',
  'secret key',
  'public key',
  'session',
  'user',
  'other key',
  'other user',
] as const;
type Credential = (typeof CREDENTIALS)[number];

interface Route {
  readonly route: string;
  /** The route with an id of the tenant's in it, where it has a parameter. */
  readonly path?: (resources: Resources) => string;
  readonly body?: object;
  /** Statuses in the order of CREDENTIALS. */
  readonly expected: readonly number[];
}

/** Things of the tenant's that a path may name. */
interface Resources {
  readonly keyId: string;
  readonly tenantId: string;
}

const UNKNOWN_ERROR = '019aa1f0-7c2e-7b3a-9d55-0c6a3f1f4b11';
const EVENT = { user_id: 'u1', event_type: 'page_viewed' };
const SCHEMA = {
  event_type: 'order_placed',
  properties: [{ name: 'total', type: 'number', required: false } as const],
};

/** Open to everybody: there the credential is in the body, or there is nothing to protect. */
const open = (status: number) => CREDENTIALS.map(() => status);

// prettier-ignore
const ROUTES: readonly Route[] = [
  //                                                                                        none forged secret public session user | other tenant's key, user
  { route: 'POST /api/ingestion/track', body: EVENT, expected:                              [401, 401, 202, 403, 202, 403, 202, 403] },
  { route: 'POST /api/ingestion/track/batch', body: { events: [EVENT] }, expected:          [401, 401, 202, 403, 202, 403, 202, 403] },
  { route: 'GET /api/ingestion/errors', expected:                                           [401, 401, 200, 403, 403, 200, 200, 200] },
  { route: 'GET /api/ingestion/stats', expected:                                            [401, 401, 200, 403, 403, 200, 200, 200] },
  { route: 'POST /api/auth/session', body: { anonymous_id: 'a' }, expected:                 [401, 401, 403, 200, 403, 403, 403, 403] },
  { route: 'GET /api/auth/api-keys', expected:                                              [401, 401, 403, 403, 403, 200, 403, 200] },
  { route: 'POST /api/auth/api-keys', body: { name: 'new' }, expected:                      [401, 401, 403, 403, 403, 201, 403, 201] },
  { route: 'GET /api/schemas', expected:                                                    [401, 401, 200, 403, 403, 200, 200, 200] },
  { route: 'POST /api/schemas/validate', body: { event_type: 'order_placed' }, expected:    [401, 401, 200, 403, 403, 200, 200, 200] },
  { route: 'POST /api/schemas/infer', body: [{ event_type: 'a', payload: {} }], expected:   [401, 401, 200, 403, 403, 200, 200, 200] },
  { route: 'GET /api/integrations/shopify', expected:                                       [401, 401, 403, 403, 403, 200, 403, 200] },
  { route: 'PUT /api/integrations/shopify', body: {}, expected:                             [401, 401, 403, 403, 403, 200, 403, 200] },
  // With something of the tenant's in the path: to another tenant it does not exist.
  { route: 'POST /api/schemas', body: { ...SCHEMA, event_type: 'cart_created' }, expected:   [401, 401, 201, 403, 403, 201, 201, 201] },
  { route: 'GET /api/schemas/:eventType', path: () => 'order_placed', expected:             [401, 401, 200, 403, 403, 200, 404, 404] },
  { route: 'PUT /api/schemas/:eventType', path: () => 'order_placed', body: SCHEMA, expected: [401, 401, 200, 403, 403, 200, 200, 200] },
  { route: 'DELETE /api/schemas/:eventType', path: () => 'order_placed', expected:          [401, 401, 204, 403, 403, 204, 404, 404] },
  { route: 'DELETE /api/auth/api-keys/:id', path: ({ keyId }) => keyId, expected:           [401, 401, 403, 403, 403, 204, 403, 404] },
  { route: 'POST /api/ingestion/errors/:id/replay', path: () => UNKNOWN_ERROR, expected:    [401, 401, 403, 403, 403, 404, 403, 404] },
  // No credential is looked at.
  { route: 'POST /api/ingestion/shopify/:tenant', path: ({ tenantId }) => tenantId, body: {}, expected: open(401) },
  { route: 'POST /api/auth/token', body: {}, expected:                                      open(400) },
  { route: 'POST /api/auth/token/refresh', body: {}, expected:                              open(400) },
  { route: 'POST /api/auth/token/revoke', body: {}, expected:                               open(400) },
  { route: 'GET /api/auth/jwks', expected:                                                  open(200) },
  { route: 'GET /.well-known/jwks.json', expected:                                          open(200) },
  { route: 'GET /api/ingestion/health', expected:                                           open(200) },
  { route: 'GET /livez', expected:                                                          open(200) },
  { route: 'GET /readyz', expected:                                                         open(200) },
];

describe('Every route with every credential', () => {
  let service: TestService;

  beforeAll(async () => {
    service = await sharedService();
  });

  it('should be in the table', () => {
    expect(ROUTES.map(({ route }) => route).sort()).toEqual(routesOf(service.app));
  });

  const table: string[][] = [];
  afterAll(() => {
    const lines = [['route', ...CREDENTIALS], ...table].map(([route = '', ...cells]) =>
      [route.padEnd(40), ...cells.map((cell) => cell.padEnd(11))].join(''),
    );
    process.stdout.write(`\nexpected/actual status by route and credential\n${lines.join('\n')}\n\n`);
  });

  it.each(ROUTES)('should be answered as the table says: $route', async ({ route, path, body, expected }) => {
    const actual: number[] = [];
    for (const credential of CREDENTIALS) {
      const { tenant, other, keyId } = await twoTenants();
      const headers = await headersOf(credential, tenant, other);
      actual.push(await call(route, path?.({ keyId, tenantId: tenant.tenantId }), body, headers));
    }
    table.push([route, ...actual.map((status, i) => `${expected[i] ?? ''}/${status}`)]);
    expect(actual).toEqual(expected);
  });

  it('should never show or change what another tenant has', async () => {
    const { tenant, other, keyId } = await twoTenants();
    const asUser = { authorization: `Bearer ${tenant.userToken}` };
    const asOther = { authorization: `Bearer ${other.userToken}` };
    const read = async (path: string, headers: Record<string, string>) =>
      JSON.stringify((await request(service.url).get(path).set(headers)).body);
    await request(service.url)
      .put('/api/integrations/shopify/')
      .set(asUser)
      .send({ secrets: ['s'], shop_domain: 'a-shop.myshopify.com' });
    await tenant.post('/api/ingestion/track/batch/', { events: [{ ...EVENT, user_id: '' }] });

    const mine = async (headers: Record<string, string>) =>
      Promise.all(
        ['/api/auth/api-keys/', '/api/schemas/', '/api/integrations/shopify/'].map((path) => read(path, headers)),
      );
    const before = await mine(asUser);
    expect(before.join()).toMatch(/order_placed/);
    expect((await mine(asOther)).join()).not.toMatch(new RegExp(`order_placed|a-shop|${tenant.tenantId}|${keyId}`));

    await request(service.url).delete(`/api/auth/api-keys/${keyId}/`).set(asOther).expect(404);
    await request(service.url).delete('/api/schemas/order_placed/').set(asOther).expect(404);
    await request(service.url)
      .post('/api/auth/api-keys/')
      .set(asOther)
      .send({ name: 'x', tenant_slug: tenant.tenantId })
      .expect(403);
    expect(await mine(asUser)).toEqual(before);
  });

  it('should store what a key sends under its own tenant, whatever the body says', async () => {
    const { tenant, other } = await twoTenants();
    await other.post('/api/ingestion/track/', { ...EVENT, tenant_id: tenant.tenantId, tenant: tenant.tenantId });
    expect(await other.storedEvents(1)).toMatchObject([{ tenant_id: other.tenantId }]);
    expect(await tenant.storedEvents(0)).toEqual([]);
  });

  /** The first has a key and a schema that the other has not. */
  async function twoTenants(): Promise<{ tenant: TestTenant; other: TestTenant; keyId: string }> {
    const [tenant, other] = [await service.createTenant(), await service.createTenant()];
    await service.app.get(EventSchemas).put(tenant.tenantId, 'order_placed', SCHEMA.properties);
    const { id } = await service.app
      .get(ApiKeys)
      .create({ tenantId: tenant.tenantId, name: 'victim', type: 'secret', mode: 'test' });
    return { tenant, other, keyId: id };
  }

  async function headersOf(
    credential: Credential,
    tenant: TestTenant,
    other: TestTenant,
  ): Promise<Record<string, string>> {
    switch (credential) {
      case 'none':
        return {};
      case 'forged':
        return { authorization: `Bearer ${tenant.userToken.slice(0, -4)}AAAA` };
      case 'secret key':
        return { authorization: `ApiKey ${tenant.key}` };
      case 'public key':
        return { authorization: `ApiKey ${(await publicKey(tenant)).key}` };
      case 'session': {
        const { id } = await publicKey(tenant);
        const session = { tenantId: tenant.tenantId, apiKeyId: id, uid: 'u1' };
        return { authorization: `Bearer ${(await service.app.get(Tokens).issueSessionToken(session)).token}` };
      }
      case 'user':
        return { authorization: `Bearer ${tenant.userToken}` };
      case 'other key':
        return { authorization: `ApiKey ${other.key}` };
      case 'other user':
        return { authorization: `Bearer ${other.userToken}` };
      default:
        return credential satisfies never;
    }
  }

  function publicKey({ tenantId }: TestTenant) {
    return service.app.get(ApiKeys).create({ tenantId, name: 'page', type: 'public', mode: 'test' });
  }

  async function call(
    route: string,
    resource: string | undefined,
    body: object | undefined,
    headers: Record<string, string>,
  ): Promise<number> {
    const [method = '', pattern = ''] = route.split(' ');
    const path = pattern.replace(/:\w+/, resource ?? '');
    const test = request(service.url)[method.toLowerCase() as 'get' | 'post' | 'put' | 'delete'](path).set(headers);
    return (await (body === undefined ? test : test.send(body))).status;
  }
});
