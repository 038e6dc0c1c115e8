import request from 'supertest';
import { CompiledSchema } from '../../src/schemas/compiled-schema.js';
import { EventSchemas } from '../../src/schemas/event-schemas.service.js';
import type { SchemaProperty } from '../../src/schemas/event-schema.js';
import { pagesOf } from '../support/pages.js';
import { sharedService, type TestService, type TestTenant } from '../support/service.js';

const ORDER = {
  event_type: 'order_placed',
  properties: [
    { name: 'total', type: 'number', required: true },
    { name: 'paid', type: 'boolean' },
    { name: 'placed_at', type: 'datetime' },
    { name: 'items', type: 'array' },
    { name: 'note', type: 'string' },
  ],
};

describe('Event schemas', () => {
  let service: TestService;
  let tenant: TestTenant;

  beforeAll(async () => {
    service = await sharedService();
  });
  beforeEach(async () => {
    tenant = await service.createTenant();
  });

  const asUser = (method: 'get' | 'post' | 'put' | 'delete', path: string, body?: object) =>
    request(service.url)[method](`/api/schemas/${path}`).set('authorization', `Bearer ${tenant.userToken}`).send(body);
  const asServer = (method: 'get' | 'post' | 'put' | 'delete', path: string, body?: object) =>
    request(service.url)[method](`/api/schemas/${path}`).set('authorization', `ApiKey ${tenant.key}`).send(body);
  const track = (payload: unknown) =>
    tenant.post('/api/ingestion/track/', { user_id: 'u1', event_type: 'order_placed', payload });

  it('should be created, read, replaced and removed', async () => {
    const stored = {
      event_type: 'order_placed',
      version: 1,
      properties: ORDER.properties.map((property) => ({ required: false, ...property })),
    };
    const created = await asUser('post', '', ORDER);
    expect({ status: created.status, body: created.body }).toEqual({ status: 201, body: stored });
    expect((await asServer('get', '')).body).toEqual([stored]);
    expect((await asServer('get', 'order_placed/')).body).toEqual(stored);

    const again = await asUser('post', '', ORDER);
    expect({ status: again.status, body: again.body }).toEqual({
      status: 400,
      body: { event_type: ['has a schema already. Replace it with PUT /api/schemas/order_placed/.'] },
    });

    const properties = [{ name: 'total', type: 'string', required: true }];
    const replaced = await asUser('put', 'order_placed/', { properties });
    expect({ status: replaced.status, body: replaced.body }).toEqual({
      status: 200,
      body: { event_type: 'order_placed', version: 2, properties },
    });

    expect((await asUser('delete', 'order_placed/')).status).toBe(204);
    expect((await asUser('delete', 'order_placed/')).status).toBe(404);
    expect((await asServer('get', 'order_placed/')).status).toBe(404);
    expect((await asServer('get', '')).body).toEqual([]);
  });

  it('should be managed with a secret key as by users', async () => {
    expect((await asServer('post', '', ORDER)).status).toBe(201);
    expect((await track({ total: 'much' })).status).toBe(400);
    expect((await asServer('put', 'order_placed/', { properties: [{ name: 'total', type: 'string' }] })).status).toBe(
      200,
    );
    expect((await track({ total: 'much' })).status).toBe(202);
    expect((await asServer('delete', 'order_placed/')).status).toBe(204);
    expect((await asUser('get', 'order_placed/')).status).toBe(404);
  });

  it('should be listed in pages of a bounded size, each once', async () => {
    const schemas = service.app.get(EventSchemas);
    const large = Array.from({ length: 200 }, (_, i) => ({
      name: `${'property'.repeat(12)}_${i}`,
      type: 'string' as const,
      required: false,
    }));
    const small: SchemaProperty[] = [{ name: 'total', type: 'number', required: true }];
    const names = Array.from({ length: 120 }, (_, i) => `type_${1000 + i}`);
    for (const [i, name] of names.entries()) await schemas.put(tenant.tenantId, name, i < 80 ? large : small);
    const as = { authorization: `ApiKey ${tenant.key}` };
    const { pages, entries } = await pagesOf(`${service.url}/api/schemas/`, as);
    expect(entries.map(({ event_type }) => event_type)).toEqual(names);
    expect(pages.length).toBeGreaterThan(2);
    for (const bytes of pages) expect(bytes).toBeLessThan(1.1 * 1024 * 1024);
    const { status, body } = await request(service.url).get('/api/schemas/?cursor=%00').set(as);
    expect({ status, body }).toEqual({ status: 400, body: { cursor: ['must be an event type.'] } });
  });

  it('should hold the next event to what was just changed', async () => {
    expect((await track({ total: 'much' })).status).toBe(202);
    await asUser('post', '', ORDER);
    expect((await track({ total: 'much' })).status).toBe(400);
    await asUser('put', 'order_placed/', { properties: [{ name: 'total', type: 'string' }] });
    expect((await track({ total: 'much' })).status).toBe(202);
    await asUser('post', '', { event_type: 'cart_created', properties: ORDER.properties });
    await asUser('delete', 'order_placed/');
    expect((await track({ total: 7 })).status).toBe(202);
  });

  it('should answer 400 by property on track', async () => {
    await asUser('post', '', ORDER);
    const answer = await track({ paid: 'maybe', items: {}, other: 1 });
    expect({ status: answer.status, body: answer.body }).toEqual({
      status: 400,
      body: {
        'payload.total': ['is required.'],
        'payload.paid': ['must be true or false, or text that is one of them.'],
        'payload.items': ['must be a list.'],
      },
    });
  });

  it('should skip an event of a batch with its reason, and store its neighbours coerced', async () => {
    await asUser('post', '', ORDER);
    const event = (payload: string) => `{"user_id":"u1","event_type":"order_placed","payload":${payload}}`;
    const answer = await tenant.post(
      '/api/ingestion/track/batch/',
      `{"events":[${[
        event('{"total":"820982911946154508", "x": 1.50,"paid":"True"}'),
        event('{"total":"many"}'),
        event('{"total":1.50}'),
        '{"user_id":"u1","event_type":"page_viewed","payload":{"total":"free form"}}',
      ].join(',')}]}`,
    );
    expect({ status: answer.status, body: answer.body }).toEqual({
      status: 202,
      body: {
        queued: 3,
        skipped: 1,
        errors: [
          {
            index: 1,
            field: 'payload.total',
            code: 'invalid_type',
            message: 'must be a number, or text that is one.',
          },
        ],
      },
    });
    expect((await tenant.storedEvents(3)).map(({ payload }) => payload)).toEqual([
      '{"total":820982911946154508, "x": 1.50,"paid":true}',
      '{"total":1.50}',
      '{"total":"free form"}',
    ]);
  });

  it('should tell in advance what would become of an event', async () => {
    await asUser('post', '', ORDER);
    const validate = async (body: object) => (await asServer('post', 'validate/', body)).body as unknown;
    expect(await validate({ event_type: 'order_placed', payload: { total: '12.5' } })).toEqual({
      valid: true,
      has_schema: true,
      errors: [],
    });
    expect(await validate({ event_type: 'order_placed' })).toEqual({
      valid: false,
      has_schema: true,
      errors: [{ field: 'payload.total', code: 'required', message: 'is required.' }],
    });
    // As PHP writes an empty object.
    for (const payload of [[], '']) {
      expect(await validate({ event_type: 'order_placed', payload })).toMatchObject({ errors: [{ code: 'required' }] });
    }
    expect(await validate({ event_type: 'page_viewed', payload: {} })).toEqual({
      valid: true,
      has_schema: false,
      errors: [],
    });
  });

  it('should propose a schema that fits the events, which can be stored as it is', async () => {
    const events = [
      { event_type: 'order_placed', payload: { total: 1, at: '2026-04-25T13:00:00Z', note: 'x' } },
      { event_type: 'order_placed', payload: { total: '2.50', at: '2026-04-26T13:00:00Z' } },
    ];
    const proposal = await asServer('post', 'infer/', events);
    expect({ status: proposal.status, body: proposal.body }).toEqual({
      status: 200,
      body: {
        event_type: 'order_placed',
        properties: [
          { name: 'total', type: 'number', required: true },
          { name: 'at', type: 'datetime', required: true },
          { name: 'note', type: 'string', required: false },
        ],
      },
    });
    expect((await asUser('post', '', proposal.body as object)).status).toBe(201);
    for (const { payload } of events) expect((await track(payload)).status).toBe(202);
  });

  it.each([
    ['no body', 'infer/', {}, 'events'],
    ['no events', 'infer/', [], 'events'],
    ['an event that is none', 'infer/', [1], 'events.0'],
    ['an event without a type', 'infer/', [{ payload: {} }], 'events.0.event_type'],
    ['events of two types', 'infer/', [{ event_type: 'a' }, { event_type: 'b' }], 'events'],
    ['a payload that is a list', 'validate/', { event_type: 'a', payload: [1] }, 'payload'],
  ])('should refuse to work with %s', async (_, path, body, field) => {
    const answer = await asServer('post', path, body);
    expect({ status: answer.status, fields: Object.keys(answer.body as object) }).toEqual({
      status: 400,
      fields: [field],
    });
  });

  it.each([
    ['nothing', {}, ['event_type', 'properties']],
    ['an event type in title case', { ...ORDER, event_type: 'Order Placed' }, ['event_type']],
    ['no properties', { ...ORDER, properties: [] }, ['properties']],
    ['properties by name', { ...ORDER, properties: { total: 'number' } }, ['properties']],
    ['an unknown type', { ...ORDER, properties: [{ name: 'total', type: 'money' }] }, ['properties.0.type']],
    ['a property without a name', { ...ORDER, properties: [{ type: 'number' }] }, ['properties.0.name']],
    ['a property that is a text', { ...ORDER, properties: ['total'] }, ['properties.0']],
    [
      'two properties of one name',
      { ...ORDER, properties: [ORDER.properties[0], ORDER.properties[0]] },
      ['properties'],
    ],
  ])('should refuse a schema that is none: %s', async (_, body, fields) => {
    const answer = await asUser('post', '', body);
    expect({ status: answer.status, fields: Object.keys(answer.body as object) }).toEqual({ status: 400, fields });
    expect((await asServer('get', '')).body).toEqual([]);
  });

  it.each(['nobody_s', 'Order%20Placed', '%00', 'order_placed%00', 'x'.repeat(90), '__proto__', "'%20OR%201=1"])(
    'should answer 404 to the event type %s, which has no schema',
    async (eventType) => {
      await asUser('post', '', ORDER);
      for (const method of ['get', 'delete'] as const) {
        const answer = await asUser(method, `${eventType}/`);
        expect({ status: answer.status, body: answer.body as unknown }).toEqual({
          status: 404,
          body: { detail: expect.any(String) },
        });
      }
      expect((await asUser('get', '')).body).toHaveLength(1);
    },
  );

  it('should refuse a schema that nests thousands deep, and say so', async () => {
    const deep = `{"event_type":"a","x":${'['.repeat(5_000)}${']'.repeat(5_000)}}`;
    const answer = await request(service.url)
      .post('/api/schemas/')
      .set({ authorization: `Bearer ${tenant.userToken}`, 'content-type': 'application/json' })
      .send(deep);
    expect({ status: answer.status, body: answer.body }).toEqual({
      status: 400,
      body: { detail: 'The body must not nest more than 64 levels.' },
    });
  });

  it('should be compiled once per version, however many requests apply it', async () => {
    await asUser('post', '', ORDER);
    await track({ total: 1 });
    const apply = jest.spyOn(CompiledSchema.prototype, 'apply');
    try {
      await track({ total: 1 });
      // Another schema of the tenant changes: this one is loaded again, but not compiled again.
      await asUser('post', '', { ...ORDER, event_type: 'cart_created' });
      await track({ total: 1 });
      expect(apply.mock.contexts).toHaveLength(2);
      expect(new Set(apply.mock.contexts).size).toBe(1);
      await asUser('put', 'order_placed/', ORDER);
      await track({ total: 1 });
      expect(new Set(apply.mock.contexts).size).toBe(2);
    } finally {
      apply.mockRestore();
    }
  });
});
