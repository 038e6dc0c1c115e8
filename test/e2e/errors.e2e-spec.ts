import request from 'supertest';
import { uuid7, uuid7Bytes } from '../../src/common/uuid7.js';
import { ErrorRecorder } from '../../src/errors/error.recorder.js';
import type { RecordedError } from '../../src/errors/recorded-error.js';
import { Tenants } from '../../src/tenants/tenants.service.js';
import { EventTransport } from '../../src/transport/event-transport.js';
import { EventRowEncoder } from '../../src/warehouse/event-row.encoder.js';
import { Warehouse } from '../../src/warehouse/warehouse.js';
import { HangingServer } from '../support/hanging.server.js';
import { freshRedisPrefix } from '../support/servers.js';
import { sharedService, startService, type TestService, type TestTenant } from '../support/service.js';
import { waitUntil } from '../support/wait-until.js';

type ErrorBody = Readonly<Record<string, string | null>>;

const path = '/api/ingestion/errors/';

describe('GET /api/ingestion/errors/', () => {
  let service: TestService;
  let tenant: TestTenant;

  beforeAll(async () => {
    service = await sharedService();
  });
  beforeEach(async () => {
    tenant = await service.createTenant();
  });

  const get = (query = '', { key } = tenant) =>
    request(service.url).get(`${path}${query}`).set('authorization', `ApiKey ${key}`);
  const list = async (query = ''): Promise<ErrorBody[]> => {
    const response = await get(query).expect(200);
    return (response.body as { errors: ErrorBody[] }).errors;
  };
  const record = (changes: Partial<RecordedError> = {}, { tenantId } = tenant) => {
    service.app.get(ErrorRecorder).record({
      tenantId,
      ts: Date.now(),
      errorType: 'validation_failed',
      source: 'batch',
      detail: 'user_id is required.',
      ...changes,
    });
  };

  it('should answer what was recorded, by way of the queue and ClickHouse', async () => {
    const ts = Date.now() - 1_000;
    record({ ts, eventType: 'page_viewed', userId: 'u-1', requestId: 'r-1' });
    await waitUntil(async () => (await list()).length === 1);

    expect((await get()).body).toEqual({
      errors: [
        {
          id: expect.stringMatching(/^[0-9a-f-]{36}$/),
          ts: new Date(ts).toISOString(),
          error_type: 'validation_failed',
          detail: 'user_id is required.',
          event_type: 'page_viewed',
          user_id: 'u-1',
          request_id: 'r-1',
          source: 'batch',
        },
      ],
    });
  });

  it('should answer newest first, 50 unless told, 100 at most, and null for what is not known', async () => {
    const now = Date.now();
    // Two types, as at most 100 of one are kept in a minute.
    for (let i = 0; i < 60; i++) record({ ts: now - 2 * i, detail: `${2 * i}` });
    for (let i = 0; i < 60; i++) record({ ts: now - 2 * i - 1, detail: `${2 * i + 1}`, errorType: 'schema_violation' });
    const details = async (query?: string) => (await list(query)).map(({ detail }) => Number(detail));
    const firstOf = (count: number) => Array.from({ length: count }, (_, i) => i);
    await waitUntil(async () => (await details('?limit=1000')).length === 100);

    expect(await details()).toEqual(firstOf(50));
    expect(await details('?limit=3')).toEqual(firstOf(3));
    expect(await details('?limit=007&other=x')).toEqual(firstOf(7));
    expect(await details('?limit=99999999999999999999999999')).toEqual(firstOf(100));
    expect((await list('?limit=1'))[0]).toMatchObject({ event_type: null, user_id: null, request_id: null });
  });

  it.each(['0', '-1', 'abc', '1e9', '', '1.5', '%2B5', '0x10', '1&limit=2'])(
    'should answer 400 for limit=%s, and say what a limit is',
    async (limit) => {
      const response = await get(`?limit=${limit}`).expect(400);
      expect(response.body).toEqual({ limit: ['must be a whole number from 1 up.'] });
    },
  );

  it('should show a tenant nothing of another', async () => {
    const other = await service.createTenant();
    record({ detail: 'not yours' }, other);
    record({ detail: 'yours' });
    await waitUntil(async () => (await list()).length > 0);
    await waitUntil(async () => ((await get('', other)).body as { errors: unknown[] }).errors.length > 0);

    expect((await list()).map(({ detail }) => detail)).toEqual(['yours']);
    await request(service.url).get(path).expect(401);
  });

  it('should tell each tenant of a batch that ClickHouse cannot read', async () => {
    const other = await service.createTenant();
    const encoder = new EventRowEncoder();
    for (const { tenantId } of [tenant, other, tenant]) {
      encoder.append({
        tenantId,
        id: uuid7Bytes(),
        eventType: 'page_viewed',
        userId: 'u-1',
        anonymousId: '',
        eventId: '',
        occurredAt: Date.now(),
        receivedAt: Date.now() * 1000,
        payload: Buffer.from('{"secret":1}'),
      });
    }
    const batch = { id: uuid7(), type: 'events.v1', events: 3, rows: encoder.take().subarray(0, -3) };
    await service.app.get(EventTransport).publish(batch);
    await waitUntil(async () => (await list()).length === 1);

    const [error] = await list();
    expect(error).toMatchObject({ id: batch.id, error_type: 'dead_letter', source: 'worker' });
    expect(error!['detail']).toMatch(/^Events not stored, and kept among the dead letters: 2\. ClickHouse cannot read/);
    expect(((await get('', other)).body as { errors: ErrorBody[] }).errors).toHaveLength(1);
  });

  describe('of requests that were refused as a whole', () => {
    const track = '/api/ingestion/track/';
    const batch = '/api/ingestion/track/batch/';
    const good = { user_id: 'u-1', event_type: 'page_viewed', payload: { note: 'secret-4711' } };
    const events = (count: number) => JSON.stringify({ events: Array(count).fill(good) });
    const notJson = JSON.stringify({ events: [good, { ...good, payload: { total: 7 } }, good] }).replace(
      '"total":7',
      '"total":NaN',
    );
    const latin1 = Buffer.from(JSON.stringify({ events: [good, { ...good, user_id: 'Zo\u00eb' }] }), 'latin1');

    it.each([
      ['too many events', batch, events(946), 'events must have at most 500 events; this request has 946.'],
      ['no event', batch, '{"events":[]}', 'events must not be empty.'],
      ['no list', batch, '{"batch":[]}', 'events must be a list of events.'],
      ['no JSON', batch, notJson, 'line 1, column 153. It is in the event with index 1.'],
      ['no UTF-8', batch, latin1, 'line 1, column 104. It is in the event with index 1.'],
      ['a cut body', track, '{"user_id":"u-1"', 'it ends too early, at line 1, column 17.'],
      ['no event at all', track, '', 'The body is empty.'],
    ])('should tell once a request where it breaks: %s', async (_what, to, body, where) => {
      const answer = await tenant.post(to, typeof body === 'string' ? Buffer.from(body) : body, {
        'x-request-id': 'r-lost',
      });
      expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(where.replace(/^events /, ''))]);
      await tenant.post(batch, { events: [good] }).expect(202);
      await tenant.storedEvents(1);
      await waitUntil(async () => (await list()).length > 0);

      expect(await list()).toMatchObject([
        { error_type: 'request_refused', request_id: 'r-lost', source: to === batch ? 'batch' : 'track' },
      ]);
      expect((await list())[0]!['detail']).toContain(where);
      expect(JSON.stringify(await list()) + answer.text).not.toContain('secret-4711');
    });

    it('should tell of a key that is none, or was used for another body', async () => {
      const keyed = (key: string, count: number) => tenant.post(batch, events(count), { 'idempotency-key': key });
      await keyed('no key', 1).expect(400);
      await keyed('k-1', 1).expect(202);
      await keyed('k-1', 2).expect(400);
      await waitUntil(async () => (await list()).length === 2);
      expect((await list()).map(({ detail }) => detail)).toEqual([
        expect.stringContaining('This Idempotency-Key was used'),
        expect.stringContaining('must have 1 to 255 visible ASCII characters'),
      ]);
    });

    it('should tell of what the plan has no room for', async () => {
      const limits = { plan: 'free', callsPerMinute: null, eventsPerMonth: 1 } as const;
      await service.app.get(Tenants).setPlan(tenant.tenantId, limits);
      await tenant.post(batch, events(2)).expect(429);
      await waitUntil(async () => (await list()).length === 1);
      expect(await list()).toMatchObject([{ error_type: 'request_refused', source: 'batch' }]);
    });

    it('should leave an event that was refused alone to its own record', async () => {
      await tenant.post(track, { ...good, user_id: '' }).expect(400);
      await tenant.post(track, '[]').expect(400);
      await tenant.post(batch, { events: [7] }).expect(202);
      await waitUntil(async () => (await list()).length === 3);
      expect((await list()).map(({ error_type }) => error_type)).toEqual(Array(3).fill('validation_failed'));
    });
  });

  it('should answer 503 when ClickHouse is away, without a word of SQL', async () => {
    await service.clickhouse.command({ query: 'RENAME TABLE ingestion_errors TO away' });
    const response = await get();
    await service.clickhouse.command({ query: 'RENAME TABLE away TO ingestion_errors' });

    expect(response.status).toBe(503);
    expect(response.headers['retry-after']).toBe('5');
    expect(response.body).toEqual({ detail: 'Errors cannot be read at the moment. Ask again.' });
  });
});

describe('GET /api/ingestion/errors/ with a ClickHouse that hangs', () => {
  it('should answer 503, and not wait as long as for a large question', async () => {
    const hanging = await HangingServer.start();
    const api = await startService({ ROLE: 'api', CLICKHOUSE_URL: `${hanging.url}/events` });
    try {
      const { key } = await api.createTenant();
      const ping = jest.spyOn(api.app.get(Warehouse), 'ping');
      const response = await request(api.url).get(path).set('authorization', `ApiKey ${key}`);
      expect(response.status).toBe(503);
      expect(response.headers['retry-after']).toBe('5');
      expect(ping).toHaveBeenCalledWith(1_500);
    } finally {
      hanging.stop();
      await api.stop();
    }
  });
});

describe('recorded errors at shutdown', () => {
  it('should leave the process before it stops', async () => {
    const QUEUE_PREFIX = freshRedisPrefix();
    const first = await startService({ ROLE: 'api', QUEUE_PREFIX });
    first.app
      .get(ErrorRecorder)
      .record({ tenantId: 'acme', ts: Date.now(), errorType: 'validation_failed', source: 'track', detail: 'last' });
    await first.stop();

    const second = await startService({ ROLE: 'worker', QUEUE_PREFIX });
    const count = async () => {
      const result = await second.clickhouse.query({
        query: "SELECT detail FROM ingestion_errors WHERE tenant_id = 'acme'",
        format: 'JSONEachRow',
      });
      return (await result.json()).length;
    };
    await waitUntil(async () => (await count()) === 1);
    await second.stop();
  });
});
