import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import request from 'supertest';
import { sharedService, type TestService, type TestTenant } from '../support/service.js';
import { waitUntil } from '../support/wait-until.js';

describe('POST /api/ingestion/track/', () => {
  let service: TestService;
  let tenant: TestTenant;

  beforeAll(async () => {
    service = await sharedService();
  });
  beforeEach(async () => {
    tenant = await service.createTenant();
  });

  const event = { user_id: 'u1', event_type: 'page_viewed' };

  it.each(['/api/ingestion/track/', '/api/ingestion/track'])('should accept an event at %s', async (path) => {
    const response = await tenant.post(path, event);
    expect(response.status).toBe(202);
    expect(response.body).toEqual({ queued: true });
    // Segments are to see it within seconds.
    expect(await tenant.storedEvents(1)).toHaveLength(1);
  });

  it('should store every field as it was sent', async () => {
    const payload =
      '{"order_id":820982911946154508,"total":59.90,"coupon":null,"name":"Zoë 🛒 \\"quoted\\"","tags":["a",{"b":[]}],"e":1e3,"a.b":1,"":0}';
    const body = `{"user_id":"zoë@example.com","event_type":"order_placed","occurred_at":"2026-04-25T13:00:00.123456+02:00","anonymous_id":"anon 🛒","event_id":"order-1","payload":${payload},"extra":1}`;
    await tenant.post('/api/ingestion/track/', body).expect(202);
    const [stored] = await tenant.storedEvents(1);
    expect(stored).toMatchObject({
      tenant_id: tenant.tenantId,
      user_id: 'zoë@example.com',
      event_type: 'order_placed',
      occurred_at: '2026-04-25 11:00:00.123',
      anonymous_id: 'anon 🛒',
      event_id: 'order-1',
      payload,
    });
  });

  it('should fill in what is absent', async () => {
    const before = Date.now();
    await tenant.post('/api/ingestion/track/', event).expect(202);
    const [stored] = await tenant.storedEvents(1);
    expect(stored).toMatchObject({ payload: '{}', anonymous_id: '', event_id: '' });
    const occurredAt = Date.parse(`${stored!.occurred_at.replace(' ', 'T')}Z`);
    expect(occurredAt).toBeGreaterThanOrEqual(before);
    expect(occurredAt).toBeLessThanOrEqual(Date.now());
    expect(stored!.received_at.startsWith(stored!.occurred_at)).toBe(true);
  });

  it('should name every invalid field and say what to do', async () => {
    const response = await tenant.post('/api/ingestion/track/', { event_type: 'Page Viewed', payload: ['a'] });
    expect(response.status).toBe(400);
    expect(response.body).toEqual({
      user_id: ['is required.'],
      event_type: [expect.stringContaining('"page_viewed"')],
      payload: ['must be a JSON object.'],
    });
  });

  it('should store an event once when its event_id is sent again', async () => {
    const keyed = { ...event, event_id: 'e-1' };
    await tenant.post('/api/ingestion/track/', keyed).expect(202);
    await tenant.post('/api/ingestion/track/', keyed).expect(202);
    await tenant.post('/api/ingestion/track/', { ...keyed, event_id: 'e-2' }).expect(202);
    await tenant.storedEvents(2);
    expect((await tenant.storedEvents(2)).map(({ event_id }) => event_id).sort()).toEqual(['e-1', 'e-2']);
  });

  it('should take an event_id that shows nothing for none, so that ten events stay ten', async () => {
    const blank = ['', ' ', '\u00a0', '\u200b', '\u2060', '\u3164', '\u2800', '\ufeff', '\u00ad', '\u{e0020}'];
    for (const event_id of blank) {
      await tenant.post('/api/ingestion/track/', { ...event, event_id }).expect(202);
    }
    const ids = (await tenant.storedEvents(10)).map(({ event_id }) => event_id);
    expect(ids).toEqual(Array(10).fill(''));
  });

  it('should fill in what a serialiser left empty', async () => {
    const empty = { occurred_at: '', anonymous_id: '', event_id: '', payload: [] };
    await tenant.post('/api/ingestion/track/', { ...event, ...empty }).expect(202);
    const [stored] = await tenant.storedEvents(1);
    expect(stored).toMatchObject({ payload: '{}', anonymous_id: '', event_id: '' });
    expect(stored!.occurred_at).toBe(stored!.received_at.slice(0, 23));
  });

  it('should keep the same event_id of two tenants apart', async () => {
    const other = await service.createTenant();
    await tenant.post('/api/ingestion/track/', { ...event, event_id: 'same' }).expect(202);
    await other.post('/api/ingestion/track/', { ...event, event_id: 'same' }).expect(202);
    expect(await tenant.storedEvents(1)).toHaveLength(1);
    expect(await other.storedEvents(1)).toHaveLength(1);
  });

  it('should answer requests that arrive together, each for its own event', async () => {
    const bodies = Array.from({ length: 200 }, (_, i) => ({ ...event, user_id: i % 10 === 0 ? '' : `u${i}` }));
    const responses = await Promise.all(bodies.map((body) => tenant.post('/api/ingestion/track/', body)));
    expect(responses.map(({ status }) => status)).toEqual(bodies.map(({ user_id }) => (user_id === '' ? 400 : 202)));
    const stored = await tenant.storedEvents(180);
    expect(new Set(stored.map(({ user_id }) => user_id)).size).toBe(180);
  });

  it.each([
    ['gzip', gzipSync],
    ['GZIP', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('should accept a body compressed as %s', async (encoding, compress) => {
    const body = compress(JSON.stringify({ ...event, user_id: encoding }));
    await tenant.post('/api/ingestion/track/', body, { 'content-encoding': encoding }).expect(202);
    expect(await tenant.storedEvents(1)).toMatchObject([{ user_id: encoding }]);
  });

  it("should send back the caller's request id, and make one when there is none or it is not sane", async () => {
    const given = await tenant.post('/api/ingestion/track/', event, { 'x-request-id': 'req-42.a:b_c' });
    expect(given.headers['x-request-id']).toBe('req-42.a:b_c');
    for (const insane of ['', 'a b', 'x'.repeat(129), '<script>']) {
      const response = await tenant.post('/api/ingestion/track/', {}, { 'x-request-id': insane });
      expect(response.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  describe('credentials', () => {
    const post = (authorization?: string) => {
      const call = request(service.url).post('/api/ingestion/track/').set('content-type', 'application/json');
      return (authorization === undefined ? call : call.set('authorization', authorization)).send(event);
    };

    it('should answer 401 without one, with an unknown one, and with one character changed', async () => {
      const changed = tenant.key.slice(0, -1) + (tenant.key.endsWith('A') ? 'B' : 'A');
      for (const header of [
        undefined,
        '',
        'ApiKey',
        'ApiKey nonsense',
        `ApiKey ${changed}`,
        `Basic ${tenant.key}`,
        tenant.key,
      ]) {
        const response = await post(header);
        expect({
          header,
          status: response.status,
          detail: typeof (response.body as { detail?: unknown }).detail,
        }).toEqual({
          header,
          status: 401,
          detail: 'string',
        });
        expect(response.headers['www-authenticate']).toBeDefined();
        expect(response.text).not.toContain(changed);
      }
    });

    it('should authenticate before it looks at the body', async () => {
      const response = await request(service.url)
        .post('/api/ingestion/track/')
        .set('content-type', 'application/json')
        .send('{not json');
      expect(response.status).toBe(401);
    });
  });
});

describe('POST /api/ingestion/track/batch/', () => {
  let service: TestService;
  let tenant: TestTenant;

  beforeAll(async () => {
    service = await sharedService();
  });
  beforeEach(async () => {
    tenant = await service.createTenant();
  });

  const events = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ user_id: `u${i}`, event_type: 'page_viewed', payload: { i } }));

  it.each([1, 20, 500])('should accept %i events', async (count) => {
    const response = await tenant.post('/api/ingestion/track/batch/', { events: events(count) });
    expect(response.status).toBe(202);
    expect(response.body).toEqual({ queued: count, skipped: 0 });
    const stored = await tenant.storedEvents(count);
    expect(stored.map(({ payload }) => payload)).toEqual(events(count).map(({ payload }) => JSON.stringify(payload)));
  });

  it('should store the good events of a batch, and report each bad one', async () => {
    const [good] = events(1);
    const response = await tenant.post('/api/ingestion/track/batch', {
      events: [good, { ...good, user_id: ' ' }, null, { ...good, event_type: 'Cart' }, { ...good, user_id: 'u9' }],
    });
    expect(response.status).toBe(202);
    expect(response.body).toEqual({
      queued: 2,
      skipped: 3,
      errors: [
        { index: 1, field: 'user_id', code: 'blank', message: 'must not be blank.' },
        { index: 2, field: 'event', code: 'invalid_type', message: 'must be a JSON object.' },
        { index: 3, field: 'event_type', code: 'invalid_format', message: expect.stringContaining('"cart"') },
      ],
    });
    expect((await tenant.storedEvents(2)).map(({ user_id }) => user_id)).toEqual(['u0', 'u9']);
  });

  it('should answer 202 when all events are invalid, and store nothing', async () => {
    const response = await tenant.post('/api/ingestion/track/batch/', { events: [{}, 1] });
    expect(response.status).toBe(202);
    expect(response.body).toMatchObject({ queued: 0, skipped: 2 });
  });

  it.each([
    ['501 events', { events: events(501) }],
    ['an empty list', { events: [] }],
    ['no list', { event: events(1) }],
    ['something else than a list', { events: { 0: events(1)[0] } }],
    ['a bare list', events(1)],
  ])('should refuse %s as a whole', async (_, body) => {
    const response = await tenant.post('/api/ingestion/track/batch/', body);
    expect(response.status).toBe(400);
    expect(response.body).toEqual({ events: [expect.any(String)] });
    await tenant.post('/api/ingestion/track/', { user_id: 'after', event_type: 'e' }).expect(202);
    expect(await tenant.storedEvents(1)).toMatchObject([{ user_id: 'after' }]);
  });

  it('should store a request once when it is repeated with its Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'request-1' };
    await tenant.post('/api/ingestion/track/batch/', { events: events(3) }, headers).expect(202);
    await tenant.post('/api/ingestion/track/batch/', { events: events(3) }, headers).expect(202);
    await tenant
      .post('/api/ingestion/track/batch/', { events: events(1) }, { 'idempotency-key': 'request-2' })
      .expect(202);
    expect(await tenant.storedEvents(4)).toHaveLength(4);
  });

  it('should refuse an Idempotency-Key that is not one', async () => {
    for (const key of ['', 'a b', 'x'.repeat(256)]) {
      const response = await tenant.post(
        '/api/ingestion/track/batch/',
        { events: events(1) },
        { 'idempotency-key': key },
      );
      expect(response.status).toBe(400);
      expect(response.body).toEqual({ detail: expect.stringContaining('Idempotency-Key') });
    }
  });

  it("should let the latest context_identified replace the user's properties", async () => {
    const identify = (occurred_at: string, payload: object) => ({
      user_id: 'u1',
      event_type: 'context_identified',
      occurred_at,
      payload,
    });
    await tenant
      .post('/api/ingestion/track/batch/', {
        events: [
          identify('2026-04-02T00:00:00Z', { plan: 'pro', city: 'Bern' }),
          identify('2026-04-03T00:00:00Z', { plan: 'free' }),
          identify('2026-04-01T00:00:00Z', { plan: 'late' }),
          identify('2026-04-03T00:00:00Z', { plan: 'last' }),
        ],
      })
      .expect(202);
    await tenant.storedEvents(4);
    const propertiesOf = async (userId: string) => {
      const result = await service.clickhouse.query({
        query:
          'SELECT properties FROM user_properties FINAL WHERE tenant_id = {tenantId: String} AND user_id = {userId: String}',
        query_params: { tenantId: tenant.tenantId, userId },
        format: 'JSONEachRow',
      });
      return result.json();
    };
    // ClickHouse fills the table a moment after that of the events.
    await waitUntil(async () => (await propertiesOf('u1')).length > 0);
    expect(await propertiesOf('u1')).toEqual([{ properties: '{"plan":"last"}' }]);
  });
});
