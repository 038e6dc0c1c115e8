import { uuid7 } from '../../src/common/uuid7.js';
import { EventTransport } from '../../src/transport/event-transport.js';
import { EventTransportServer } from '../../src/transport/event-transport.server.js';
import { freshClickHouseDatabase, freshRedisPrefix } from '../support/servers.js';
import { startService, type TestService } from '../support/service.js';
import { waitUntil } from '../support/wait-until.js';

const event = (user_id: string) => ({ user_id, event_type: 'page_viewed' });
const track = '/api/ingestion/track/';

describe('batches in the queue', () => {
  const services: TestService[] = [];
  const start = async (environment?: Record<string, string>): Promise<TestService> => {
    const service = await startService(environment);
    services.push(service);
    return service;
  };

  afterEach(async () => {
    await Promise.all(services.splice(0).map((service) => service.stop()));
  });

  it('should put a batch that ClickHouse cannot read among the dead letters, and store its neighbours', async () => {
    const service = await start();
    const tenant = await service.createTenant();
    const transport = service.app.get(EventTransport);

    await tenant.post(track, event('before')).expect(202);
    const rows = Buffer.from('secret rows that are no rows');
    await transport.publish({ id: uuid7(), type: 'events.v1', events: 3, rows });
    await tenant.post(track, event('after')).expect(202);

    expect((await tenant.storedEvents(2)).map(({ user_id }) => user_id)).toEqual(['before', 'after']);
    await waitUntil(async () => (await transport.status()).pending === 0);
    const [summary] = await transport.deadLetters.list({ limit: 10 });
    expect(summary!.reason).toMatch(/^ClickHouse cannot read the rows of this batch: [A-Z_]+ \(\d+\)$/);
    const deadLetter = await transport.deadLetters.get(summary!.id);
    expect(deadLetter).toMatchObject({ batch: { events: 3, rows } });
  });

  it('should keep a batch of a type that only a newer worker knows', async () => {
    const service = await start();
    const tenant = await service.createTenant();
    const transport = service.app.get(EventTransport);
    const lookups = jest.spyOn(EventTransportServer.prototype, 'getHandlerByPattern');
    await transport.publish({ id: uuid7(), type: 'events.v99', events: 1, rows: Buffer.alloc(1) });
    await tenant.post(track, event('u1')).expect(202);
    await tenant.storedEvents(1);
    // The event's own batch leaves the queue a moment after its row can be seen; the other one comes again and again.
    await waitUntil(async () => (await transport.status()).pending === 1);
    await waitUntil(() => lookups.mock.calls.filter(([type]) => type === 'events.v99').length > 2);
    lookups.mockRestore();
    expect((await transport.status()).pending).toBe(1);
  });

  it('should serve one queue and one database with two instances that start together', async () => {
    const database = await freshClickHouseDatabase();
    const shared = { CLICKHOUSE_URL: database.url, QUEUE_PREFIX: freshRedisPrefix() };
    const pair = await Promise.all([start(shared), start(shared)]);
    for (const service of pair) {
      const tenant = await service.createTenant();
      await tenant.post(track, event('u1')).expect(202);
    }
    const count = async () => {
      const result = await pair[0].clickhouse.query({
        query: 'SELECT count() AS rows FROM events',
        format: 'JSONEachRow',
      });
      const [answer] = await result.json<{ rows: string }>();
      return Number(answer?.rows);
    };
    await waitUntil(async () => (await count()) === 2);
    await waitUntil(async () => (await pair[0].app.get(EventTransport).status()).consumers === 2);
    await database.drop();
  });
});
