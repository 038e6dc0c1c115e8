import { createHmac } from 'node:crypto';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import addFormats from 'ajv-formats';
import { Ajv2020 as Ajv } from 'ajv/dist/2020.js';
import request from 'supertest';
import { Tokens } from '../../src/auth/tokens/tokens.service.js';
import { uuid7, uuid7Bytes } from '../../src/common/uuid7.js';
import { ApiDocument } from '../../src/docs/api.document.js';
import { EventSchemas } from '../../src/schemas/event-schemas.service.js';
import { ShopifyAccounts } from '../../src/shopify/settings/shopify-accounts.service.js';
import { ApiKeys } from '../../src/tenants/api-keys.service.js';
import { Tenants } from '../../src/tenants/tenants.service.js';
import { Users } from '../../src/tenants/users.service.js';
import { EventTransport } from '../../src/transport/event-transport.js';
import { EventRowEncoder } from '../../src/warehouse/event-row.encoder.js';
import { routesOf } from '../support/routes.js';
import { sharedService, startService, type TestService, type TestTenant } from '../support/service.js';
import { waitUntil } from '../support/wait-until.js';

const LOGIN = { email: 'zoe@acme.example', password: 'correct horse battery staple' };

type Examples = Readonly<Record<string, { readonly value: unknown }>>;

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly example?: string;
  readonly examples?: Examples;
}

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly security: readonly Readonly<Record<string, unknown>>[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: { readonly 'application/json': { schema: object; examples: Examples } } };
  readonly responses: Readonly<Record<string, { headers: object; content?: Readonly<Record<string, object>> }>>;
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly securitySchemes: object;
    readonly schemas: Readonly<Record<string, { readonly additionalProperties?: unknown }>>;
  };
}

/** A request that is not as the document says, and its answer. */
interface Refusal {
  readonly operationId: string;
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly status: number;
}

const SIGNED_WRONGLY = { user_id: 'zoe@example.com', user_id_sig: '0'.repeat(64), user_id_ts: 1777122000 };
const REFUSALS: readonly Refusal[] = [
  { operationId: 'Track_track', body: { user_id: 'u1', event_type: 'Page Viewed' }, status: 400 },
  { operationId: 'Track_track', body: [{ user_id: 'u1', event_type: 'page_viewed' }], status: 400 },
  { operationId: 'Track_trackBatch', body: { events: [] }, status: 400 },
  { operationId: 'Track_trackBatch', body: { events: [{ user_id: '', event_type: 'page_viewed' }] }, status: 202 },
  { operationId: 'Errors_list', query: { limit: 0 }, status: 400 },
  { operationId: 'Stats_read', query: { window: '1y' }, status: 400 },
  { operationId: 'Session_open', body: {}, status: 400 },
  { operationId: 'Session_open', body: SIGNED_WRONGLY, status: 403 },
  { operationId: 'Token_create', body: { email: LOGIN.email, password: 'hunter2' }, status: 401 },
  { operationId: 'Token_create', body: { email: LOGIN.email }, status: 400 },
  { operationId: 'Token_refresh', body: { refresh: 'garbage' }, status: 401 },
  {
    operationId: 'ApiKeys_create',
    body: { name: 'shop', type: 'public', allowed_origins: ['https://shop.example.com/cart'] },
    status: 400,
  },
  { operationId: 'ApiKeys_create', body: { name: 'backend', tenant_slug: 'somebody-else' }, status: 403 },
  {
    operationId: 'Schemas_create',
    body: { event_type: 'cart_updated', properties: [{ name: 'total', type: 'money' }] },
    status: 400,
  },
  { operationId: 'Schemas_validate', body: { event_type: 'Order Placed' }, status: 400 },
  { operationId: 'Schemas_infer', body: [], status: 400 },
  { operationId: 'Schemas_put', body: { properties: [] }, status: 400 },
  { operationId: 'ShopifySettings_change', body: { shop_domain: 'https://acme.example' }, status: 400 },
];

/** Where the document does not keep to the rules that Redocly recommends, and why not. */
const WAIVED: readonly { readonly rule: string; readonly at: RegExp; readonly why: string }[] = [
  { rule: 'no-path-trailing-slash', at: /^#\/paths\/~1api~1/, why: 'The contract’s paths end with a slash.' },
  { rule: 'info-license', at: /^#\/info$/, why: 'The service is not published under any license.' },
  {
    rule: 'operation-4xx-response',
    at: /^#\/paths\/(?:~1livez|~1readyz|~1api~1ingestion~1health~1|~1api~1auth~1jwks~1|~1\.well-known~1jwks\.json)\/get\//,
    why: 'It asks for nothing that a caller could have wrong.',
  },
];

/** One request that the document shows, with one of the credentials that it says are good for it. */
interface Case {
  readonly title: string;
  readonly path: string;
  readonly verb: string;
  readonly operation: Operation;
  readonly credential: string;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  readonly status: number;
}

const SHOPIFY_SECRET = 'hush';
const NONE = 'nobody';
/** Headers of answers that are part of the contract: they may not appear undocumented. */
const CONTRACT_HEADERS = /^(?:x-request-id|retry-after|ratelimit-.*|www-authenticate|link)$/;

describe('The documentation of the API', () => {
  let service: TestService;
  let document: Document;
  let tenant: TestTenant;
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats(ajv);

  beforeAll(async () => {
    service = await sharedService();
    const response = await request(service.url).get('/api/openapi.json').expect(200);
    document = response.body as Document;
    ajv.addSchema(document, 'openapi');
    // One that only the logins of the examples need: address and password are the document's.
    const { tenantId } = await service.createTenant();
    await service.app.get(Users).create({ tenantId, ...LOGIN });
  });
  beforeEach(async () => {
    tenant = await service.createTenant();
  });

  it('should be served with and without the trailing slash, to everybody', async () => {
    for (const path of ['/api/openapi.json', '/api/openapi.json/', '/api/docs', '/api/docs/']) {
      const { status, headers } = await request(service.url).get(path);
      expect({ path, status }).toEqual({ path, status: 200 });
      expect(headers['content-type']).toMatch(path.includes('json') ? /^application\/json/ : /^text\/html/);
    }
    for (const path of ['/api/openapi.json', '/api/docs/']) {
      expect((await request(service.url).post(path)).status).toBe(405);
    }
  });

  it('should be OpenAPI 3.1 whose references all lead somewhere', () => {
    expect(document.openapi).toBe('3.1.0');
    const references = Array.from(JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g), ([, path]) => path!);
    expect(references.length).toBeGreaterThan(0);
    for (const reference of references) {
      let found: unknown = document;
      for (const step of reference.split('/')) found = (found as Record<string, unknown> | undefined)?.[step];
      expect([reference, typeof found]).toEqual([reference, 'object']);
    }
    const ids = operations().map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('should have every route of every controller, with a summary and no other', () => {
    const documented = operations().map(({ path, verb }) => `${verb.toUpperCase()} ${path}`);
    const served = routesOf(service.app).map((route) => route.replace(/:(\w+)/g, '{$1}'));
    expect(documented.map((route) => route.replace(/\/$/, '')).sort()).toEqual(served.sort());
    expect(operations().filter(({ operation }) => operation.summary === '')).toEqual([]);
  });

  it('should have an example for every body, that is as the document says', () => {
    for (const { path, verb, operation } of operations()) {
      const body = operation.requestBody?.content['application/json'];
      if (body === undefined) continue;
      const examples = Object.entries(body.examples);
      expect([path, verb, examples.length > 0]).toEqual([path, verb, true]);
      const pointer = `/paths/${escaped(path)}/${verb}/requestBody/content/application~1json/schema`;
      for (const [title, { value }] of examples) {
        expect([path, title, problemsOf(pointer, value)]).toEqual([path, title, []]);
      }
    }
  });

  it('should keep to the rules that Redocly recommends', async () => {
    const config = await createConfig({ extends: ['recommended'] });
    const problems = await lintFromString({ source: JSON.stringify(document), config });
    const pointers = problems.map(({ ruleId, location: [place], message }) => ({
      ruleId,
      message,
      pointer: String(place?.pointer),
    }));
    const isWaived = ({ ruleId, pointer }: (typeof pointers)[number]) =>
      WAIVED.some(({ rule, at }) => rule === ruleId && at.test(pointer));
    expect(pointers.filter((problem) => !isWaived(problem))).toEqual([]);
    // None is waived for nothing.
    expect(WAIVED.filter(({ rule }) => !problems.some(({ ruleId }) => ruleId === rule))).toEqual([]);
  });

  it('should have no object that generators of clients take for an empty one, such as a payload', () => {
    const lacking = objectsIn(document).filter(
      ({ schema }) => !('properties' in schema || 'additionalProperties' in schema),
    );
    expect(lacking).toEqual([]);
    const payloads = objectsIn(document).filter(({ path }) => path.endsWith('.properties.payload'));
    expect(payloads.length).toBeGreaterThan(1);
    for (const { schema } of payloads) expect(schema).toMatchObject({ additionalProperties: true });
  });

  it('should name all members of every answer, so that a generated client misses none', () => {
    const answers = operations().flatMap(({ operation }) =>
      Object.entries(operation.responses).filter(
        ([status, { content }]) => Number(status) < 300 && content !== undefined,
      ),
    );
    const names = [...JSON.stringify(answers).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name!);
    expect(names.length).toBeGreaterThan(15);
    const open = names.filter((name) => document.components.schemas[name]?.additionalProperties !== false);
    expect(open).toEqual([]);
  });

  it('should have nothing that is for tests only, and send no key of ours for every request that is tried out', () => {
    expect(JSON.stringify(document)).not.toMatch(/"x-/);
    const fixed = operations().flatMap(({ operation }) =>
      operation.parameters.filter((parameter) => parameter.in === 'header' && parameter.example !== undefined),
    );
    expect(fixed.map(({ name }) => name)).toEqual(['X-Shopify-Topic']);
    const first = operations().flatMap(({ operation }) =>
      Object.values(operation.requestBody?.content['application/json'].examples ?? {}).slice(0, 1),
    );
    expect(JSON.stringify(first)).not.toContain('event_id');
  });

  it('should tell the truth: every example is answered as documented', async () => {
    const cases = operations().flatMap(casesOf);
    expect(cases.length).toBeGreaterThan(50);
    for (const example of cases) {
      // Some examples use up what they name.
      tenant = await service.createTenant();
      const response = await send(example);
      expect([example.title, response.status, response.status < 400 ? '' : response.text]).toEqual([
        example.title,
        example.status,
        response.status < 400 ? '' : response.text,
      ]);
      expectDocumented(example, response);
    }
  });

  it('should document what becomes of requests that are not as it says', async () => {
    for (const { operationId, body, query = {}, status } of REFUSALS) {
      const first = firstCases().find(({ operation }) => operation.operationId === operationId)!;
      const title = `${operationId}: ${JSON.stringify(body ?? query)}`;
      const response = await send({ ...first, title, body, query, status });
      expect([title, response.status]).toEqual([title, status]);
      expectDocumented({ ...first, title }, response);
    }
  });

  it('should document what becomes of requests without a credential, with a wrong one, and with one of another kind', async () => {
    const credentials = Object.keys(document.components.securitySchemes).filter((name) => name !== 'ShopifySignature');
    for (const example of firstCases()) {
      const accepted = example.operation.security.flatMap((requirement) => Object.keys(requirement));
      if (!accepted.some((name) => credentials.includes(name))) continue;
      const nobody = await send({ ...example, credential: NONE });
      expect([example.title, nobody.status]).toEqual([example.title, 401]);
      expectDocumented(example, nobody);
      const forged = await send({ ...example, credential: 'forged' });
      expect([example.title, forged.status]).toEqual([example.title, 401]);
      expectDocumented(example, forged);
      for (const credential of credentials.filter((name) => !accepted.includes(name))) {
        const other = await send({ ...example, credential });
        expect([example.title, credential, other.status]).toEqual([example.title, credential, 403]);
        expectDocumented(example, other);
      }
    }
  });

  it('should document what becomes of bodies that are no JSON, and of those that say so', async () => {
    for (const example of firstCases().filter(({ operation }) => operation.requestBody !== undefined)) {
      const text = await send(example, { text: 'plain', type: 'text/plain' });
      expect([example.title, text.status]).toEqual([example.title, 415]);
      expectDocumented(example, text);
      const broken = await send(example, { text: '{"user_id":', type: 'application/json' });
      expect([example.title, broken.status]).toEqual([example.title, 400]);
      expectDocumented(example, broken);
    }
  });

  it('should document the headers of a plan’s limits, and what is beyond them', async () => {
    const example = firstCases().find(({ path, verb }) => path === '/api/schemas/' && verb === 'get')!;
    await service.app.get(Tenants).setPlan(tenant.tenantId, { plan: 'free', callsPerMinute: 1, eventsPerMonth: null });
    const statuses: number[] = [];
    for (let i = 0; i < 2; i++) {
      const response = await send(example);
      statuses.push(response.status);
      expect(Object.keys(response.headers)).toEqual(expect.arrayContaining(['ratelimit-limit', 'ratelimit-reset']));
      expectDocumented(example, response);
    }
    expect(statuses).toEqual([200, 429]);
  });

  it('should be readable as a page that loads nothing from elsewhere', async () => {
    const { text, headers } = await request(service.url).get('/api/docs/');
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; /);
    const sources = Array.from(text.matchAll(/(?:src|href)="([^"]*)"/g), ([, source]) => source!);
    expect(sources).toHaveLength(4);
    for (const source of sources) {
      expect(source).toMatch(/^\/api\/docs\//);
      expect((await request(service.url).get(source)).status).toBe(200);
    }
    for (const name of ['package.json', '..%2fpackage.json', 'toString', 'index.html']) {
      expect([name, (await request(service.url).get(`/api/docs/${name}`)).status]).toEqual([name, 404]);
    }
  });

  it('should fail as every route does, with nothing but the request’s id', async () => {
    jest.spyOn(service.app.get(ApiDocument), 'json').mockImplementationOnce(() => {
      throw new Error('secret');
    });
    const { status, body } = await request(service.url).get('/api/openapi.json').set('x-request-id', 'r-1');
    expect({ status, body }).toEqual({
      status: 500,
      body: { detail: 'Something went wrong on our side. Request id: r-1' },
    });
  });

  it('should be there in an API that has no worker, and not in a worker', async () => {
    const [api, worker] = [
      await startService({ ROLE: 'api' }, { withoutWarehouse: true }),
      await startService({ ROLE: 'worker' }),
    ];
    const statusOf = async ({ url }: TestService) => (await request(url).get('/api/openapi.json')).status;
    expect([await statusOf(api), await statusOf(worker)]).toEqual([200, 404]);
    await Promise.all([api.stop(), worker.stop()]);
  });

  function operations(): { path: string; verb: string; operation: Operation }[] {
    return Object.entries(document.paths).flatMap(([path, verbs]) =>
      Object.entries(verbs).map(([verb, operation]) => ({ path, verb, operation })),
    );
  }

  /** Every example of an operation with every credential; the operation as such, where it has none. */
  function casesOf({ path, verb, operation }: ReturnType<typeof operations>[number]): Case[] {
    const { security, requestBody, parameters, responses } = operation;
    // Of several the one for what is stored.
    const success = Math.max(
      ...Object.keys(responses)
        .map(Number)
        .filter((status) => status < 300),
    );
    const bodies = Object.entries(requestBody?.content['application/json'].examples ?? {}).map(([title, example]) => ({
      title,
      query: {},
      body: example.value,
      status: success,
    }));
    const queries = parameters.flatMap(({ name, in: place, examples = {} }) =>
      place === 'query'
        ? Object.entries(examples).map(([title, example]) => ({
            title,
            query: { [name]: example.value },
            body: undefined,
            status: success,
          }))
        : [],
    );
    const plain = bodies.length === 0 ? [{ title: 'plain', query: {}, body: undefined, status: success }] : [];
    const schemes = security.length === 0 ? [NONE] : security.flatMap((requirement) => Object.keys(requirement));
    return [...plain, ...bodies, ...queries].flatMap((example) =>
      schemes.map((credential) => ({
        ...example,
        title: `${verb.toUpperCase()} ${path}: ${example.title}, ${credential}`,
        path,
        verb,
        operation,
        credential,
      })),
    );
  }

  /** Of every operation one that succeeds. */
  function firstCases(): Case[] {
    return operations().map((operation) => casesOf(operation)[0]!);
  }

  async function send(example: Case, instead?: { text: string; type: string }): Promise<request.Response> {
    const { operation, credential, verb, query } = example;
    let path = example.path;
    for (const { name, example: value } of operation.parameters.filter((parameter) => parameter.in === 'path')) {
      path = path.replace(`{${name}}`, (await resource(example, name)) ?? value ?? '');
    }
    const json = instead?.text ?? (example.body === undefined ? '' : JSON.stringify(await filled(example)));
    const signature = createHmac('sha256', SHOPIFY_SECRET).update(json).digest('base64');
    const method = verb as 'get' | 'post' | 'put' | 'delete';
    const agent = request(service.url);
    const call = agent[method](path)
      .query(query)
      .set(await headersFor(credential, signature))
      .set(documentedHeaders(operation));
    return json === '' ? call : call.set('content-type', instead?.type ?? 'application/json').send(json);
  }

  function documentedHeaders({ parameters }: Operation): Record<string, string> {
    const headers = parameters.filter((parameter) => parameter.in === 'header' && parameter.example !== undefined);
    return Object.fromEntries(headers.map(({ name, example }) => [name, example!]));
  }

  async function headersFor(credential: string, signature: string): Promise<Record<string, string>> {
    switch (credential) {
      case NONE:
        return {};
      case 'forged':
        return { authorization: `Bearer ${tenant.userToken.slice(0, -4)}AAAA` };
      case 'SecretKey':
        return { authorization: `ApiKey ${tenant.key}` };
      case 'PublicKey':
        return { authorization: `ApiKey ${(await createKey('public')).key}` };
      case 'AccessToken':
        return { authorization: `Bearer ${tenant.userToken}` };
      case 'SessionToken': {
        const { id: apiKeyId } = await createKey('public');
        const session = { tenantId: tenant.tenantId, apiKeyId, uid: 'u1' };
        return { authorization: `Bearer ${(await service.app.get(Tokens).issueSessionToken(session)).token}` };
      }
      case 'ShopifySignature':
        return { 'x-shopify-hmac-sha256': signature };
      default:
        throw new Error(`How is a request with ${credential} made?`);
    }
  }

  function createKey(type: 'public' | 'secret') {
    return service.app.get(ApiKeys).create({ tenantId: tenant.tenantId, name: 'test', type, mode: 'test' });
  }

  /** What a path names, made for the tenant where the document cannot know it. */
  async function resource({ path }: Case, name: string): Promise<string | undefined> {
    switch (`${path} ${name}`) {
      case '/api/auth/api-keys/{id}/ id':
        return (await createKey('secret')).id;
      case '/api/ingestion/shopify/{tenant}/ tenant':
        await service.app.get(ShopifyAccounts).change(tenant.tenantId, { secrets: [SHOPIFY_SECRET] });
        return tenant.tenantId;
      case '/api/ingestion/errors/{id}/replay/ id':
        return deadLetter();
      case '/api/schemas/{eventType}/ eventType':
        await service.app
          .get(EventSchemas)
          .put(tenant.tenantId, 'order_placed', [{ name: 'total', type: 'number', required: true }]);
        return undefined;
      default:
        return undefined;
    }
  }

  async function deadLetter(): Promise<string> {
    const sql = (query: string) => service.clickhouse.command({ query });
    await sql("ALTER TABLE events ADD CONSTRAINT IF NOT EXISTS no_poison CHECK user_id != 'poison'");
    const encoder = new EventRowEncoder();
    encoder.append({
      tenantId: tenant.tenantId,
      id: uuid7Bytes(),
      eventType: 'page_viewed',
      userId: 'poison',
      anonymousId: '',
      eventId: '',
      occurredAt: Date.now(),
      receivedAt: Date.now() * 1000,
      payload: Buffer.from('{}'),
    });
    const transport = service.app.get(EventTransport);
    await transport.publish({ id: uuid7(), type: 'events.v1', events: 1, rows: encoder.take() });
    const letters = () => transport.deadLetters.list({ tenantId: tenant.tenantId, limit: 1 });
    await waitUntil(async () => (await letters()).length === 1);
    await sql('ALTER TABLE events DROP CONSTRAINT IF EXISTS no_poison');
    return (await letters())[0]!.id;
  }

  /** The example's body, but for a refresh token, which the document cannot have. */
  async function filled({ body, status, path }: Case): Promise<unknown> {
    if (status >= 300 || !/token\/(?:refresh|revoke)\/$/.test(path)) return body;
    const login = await request(service.url).post('/api/auth/token/').send(LOGIN).expect(200);
    return { refresh: (login.body as { refresh: string }).refresh };
  }

  function expectDocumented({ title, path, verb, operation }: Case, response: request.Response): void {
    const { status } = response;
    const { [status]: documented } = operation.responses;
    expect([title, status, documented === undefined ? 'is not documented' : 'is documented']).toEqual([
      title,
      status,
      'is documented',
    ]);
    const [mediaType] = Object.keys(documented!.content ?? {});
    if (mediaType === undefined) {
      expect([title, response.text]).toEqual([title, '']);
    } else if (mediaType === 'application/json') {
      const pointer = `/paths/${escaped(path)}/${verb}/responses/${status}/content/application~1json/schema`;
      expect([title, response.body, problemsOf(pointer, response.body)]).toEqual([title, response.body, []]);
    }
    const known = Object.keys(documented!.headers).map((name) => name.toLowerCase());
    const sent = Object.keys(response.headers).filter((name) => CONTRACT_HEADERS.test(name));
    expect([title, sent.filter((name) => !known.includes(name))]).toEqual([title, []]);
    const always = known.filter((name) => !name.startsWith('ratelimit-') && name !== 'link');
    expect([title, sent]).toEqual([title, expect.arrayContaining(always)]);
  }

  /** Every schema of an object, with the way to it. */
  function objectsIn(value: unknown, path = ''): { path: string; schema: object }[] {
    if (typeof value !== 'object' || value === null) return [];
    const types: unknown[] = 'type' in value ? [value.type].flat() : [];
    const inside = Object.entries(value)
      .filter(([name]) => name !== 'examples')
      .flatMap(([name, member]) => objectsIn(member, `${path}.${name}`));
    return types.includes('object') ? [{ path, schema: value }, ...inside] : inside;
  }

  function problemsOf(pointer: string, value: unknown): string[] {
    const validate = ajv.getSchema(`openapi#${pointer}`) ?? ajv.compile({ $ref: `openapi#${pointer}` });
    void validate(value);
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath} ${message ?? ''} ${JSON.stringify(params)}`,
    );
  }

  /** As JSON pointers in URIs are written. */
  function escaped(path: string): string {
    return encodeURIComponent(path.replaceAll('~', '~0').replaceAll('/', '~1'));
  }
});
