import { ClickHouseClient } from '@clickhouse/client';
import request from 'supertest';
import { ServiceLogger } from '../../src/common/service.logger.js';
import { EventIntake } from '../../src/ingestion/event.intake.js';
import { ApiKeys } from '../../src/tenants/api-keys.service.js';
import { Users } from '../../src/tenants/users.service.js';
import { BatchRefusedError } from '../../src/warehouse/warehouse.errors.js';
import { EventWriter } from '../../src/warehouse/event.writer.js';
import { startService, type TestService, type TestTenant } from '../support/service.js';
import { waitUntil } from '../support/wait-until.js';

const TRACK = '/api/ingestion/track/';
const MARKER = 'marker-of-what-a-client-sent';
const PASSWORD = 'correct horse battery staple';
const event = { user_id: 'u1', event_type: 'page_viewed' };

type Line = Readonly<Record<string, unknown>>;

/** The lines that a service writes at this level. */
async function startLogged(level: string): Promise<{ service: TestService; lines: Line[] }> {
  const lines: Line[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line) as Line);
  const logger = new ServiceLogger(level as 'debug', { write });
  return { service: await startService({ LOG_LEVEL: level }, { logger }), lines };
}

describe('the log', () => {
  let service: TestService;
  let tenant: TestTenant;
  let lines: Line[];

  beforeAll(async () => {
    ({ service, lines } = await startLogged('trace'));
    tenant = await service.createTenant();
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });
  afterAll(async () => {
    await service.stop();
  });

  const linesOf = (requestId: string) => lines.filter((line) => line['requestId'] === requestId);

  it('should have a line at debug for each request, with its id, its tenant and its route', async () => {
    await tenant.post(`${TRACK}?q=${MARKER}`, event, { 'x-request-id': 'req-1' }).expect(202);
    await waitUntil(() => Promise.resolve(linesOf('req-1').length > 0));
    expect(linesOf('req-1')).toEqual([
      expect.objectContaining({
        level: 'debug',
        context: 'Request',
        message: 'POST /api/ingestion/track 202',
        tenantId: tenant.tenantId,
        durationMs: expect.any(Number) as number,
      }),
    ]);
  });

  it('should tell of a request that failed its id, its tenant and where', async () => {
    jest.spyOn(EventIntake.prototype, 'take').mockRejectedValue(new TypeError('x is not a function'));
    const { body } = await tenant.post(TRACK, event, { 'x-request-id': 'req-2' }).expect(500);
    expect(body).toEqual({ detail: 'Something went wrong on our side. Request id: req-2' });
    expect(linesOf('req-2')[0]).toMatchObject({
      level: 'error',
      message: 'A request failed',
      tenantId: tenant.tenantId,
      error: expect.stringMatching(/^TypeError: x is not a function\n\s+at /) as string,
    });
  });

  it('should tell with the request why the warehouse could not be read', async () => {
    const clickhouse = service.app.get(ClickHouseClient);
    const query = clickhouse.query.bind(clickhouse);
    // Only this question: the worker may be preparing its tables, and logs what becomes of its own.
    jest.spyOn(clickhouse, 'query').mockImplementation((params) => {
      if (params.query.includes('FROM ingestion_errors')) return Promise.reject(new Error(`SELECT ${MARKER}`));
      return query(params);
    });
    await request(service.url)
      .get('/api/ingestion/errors/')
      .set({ authorization: `ApiKey ${tenant.key}`, 'x-request-id': 'req-3' })
      .expect(503);
    expect(linesOf('req-3')[0]).toMatchObject({
      level: 'error',
      message: 'Errors could not be read. Error',
      tenantId: tenant.tenantId,
    });
  });

  it('should hold nothing that clients sent, and no key, password or token', async () => {
    const users = service.app.get(Users);
    await users.create({ email: 'zoe@acme.example', tenantId: tenant.tenantId, password: PASSWORD });
    const login = await request(service.url)
      .post('/api/auth/token/')
      .send({ email: 'zoe@acme.example', password: PASSWORD })
      .expect(200);
    const { access, refresh } = login.body as { access: string; refresh: string };
    await request(service.url)
      .post('/api/auth/token/')
      .send({ email: `${MARKER}@acme.example`, password: MARKER })
      .expect(401);
    const { key: publicKey } = await service.app
      .get(ApiKeys)
      .create({ tenantId: tenant.tenantId, name: 'web', type: 'public', mode: 'test' });
    const session = await request(service.url)
      .post('/api/auth/session/')
      .set('authorization', `ApiKey ${publicKey}`)
      .send({ user_id: MARKER })
      .expect(200);
    const { token } = session.body as { token: string };
    const asSession = { authorization: `Bearer ${token}`, cookie: `session=${MARKER}` };
    const marked = { ...event, user_id: MARKER, payload: { [MARKER]: MARKER } };

    await tenant.post(TRACK, marked, asSession).expect(202);
    await tenant.post(TRACK, { ...marked, event_type: MARKER }).expect(400);
    await tenant.post(TRACK, `{"${MARKER}": `).expect(400);
    await tenant.post(TRACK, event, { authorization: `ApiKey sk_live_${MARKER}` }).expect(401);
    await tenant.post(`/api/ingestion/shopify/${MARKER}/`, marked, { 'x-shopify-hmac-sha256': MARKER });
    await tenant.post(`/${MARKER}`, marked).expect(404);
    await request(service.url).get(`/api/ingestion/errors/?limit=${MARKER}`).set('authorization', `Bearer ${access}`);
    await request(service.url).post('/api/auth/token/refresh/').send({ refresh }).expect(200);
    // A library's error that quotes, as those of databases do.
    class QuotingError extends Error {}
    jest.spyOn(EventIntake.prototype, 'take').mockRejectedValueOnce(new QuotingError(`params: ${MARKER}`));
    await tenant.post(TRACK, marked).expect(500);
    // And a batch that becomes dead letters.
    const refusal = new BatchRefusedError('117', 'INCORRECT_DATA');
    jest.spyOn(EventWriter.prototype, 'store').mockRejectedValue(refusal);
    await tenant.post(TRACK, marked).expect(202);
    await waitUntil(() => Promise.resolve(lines.some((line) => String(line['message']).startsWith('Dead letter'))));

    const text = JSON.stringify(lines);
    const secrets = [MARKER, PASSWORD, tenant.key, publicKey, access, refresh, token, 'zoe@acme'];
    expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
    expect(lines.length).toBeGreaterThan(20);
  });
});

describe('the log at info', () => {
  it('should have no line for a request that went well', async () => {
    const { service, lines } = await startLogged('info');
    try {
      const tenant = await service.createTenant();
      lines.length = 0;
      await tenant.post(TRACK, event).expect(202);
      await tenant.storedEvents(1);
      expect(lines).toEqual([]);
    } finally {
      await service.stop();
    }
  });
});
