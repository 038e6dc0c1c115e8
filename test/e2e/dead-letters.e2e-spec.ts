import request from 'supertest';
import { uuid7, uuid7Bytes } from '../../src/common/uuid7.js';
import { runCli } from '../../src/cli/run-cli.js';
import { EventTransport } from '../../src/transport/event-transport.js';
import type { StorableBatch } from '../../src/warehouse/batch.writer.js';
import { EventRowEncoder } from '../../src/warehouse/event-row.encoder.js';
import { EventWriter } from '../../src/warehouse/event.writer.js';
import { queueUnderTest } from '../support/queue-under-test.js';
import { freshRedisPrefix } from '../support/servers.js';
import { startService, type TestService, type TestTenant } from '../support/service.js';
import { waitUntil } from '../support/wait-until.js';

type ErrorBody = Readonly<Record<string, string | null>>;

const QUEUE_PREFIX = freshRedisPrefix();

describe('dead letters', () => {
  let service: TestService;
  let transport: EventTransport;
  let tenant: TestTenant;
  let other: TestTenant;

  beforeAll(async () => {
    service = await startService({ QUEUE_PREFIX });
    transport = service.app.get(EventTransport);
  });
  beforeEach(async () => {
    tenant = await service.createTenant();
    other = await service.createTenant();
    await refusePoison();
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await acceptPoison();
    for (const { id } of await transport.deadLetters.list({ limit: 1_000 })) await transport.deadLetters.remove(id);
  });
  afterAll(async () => {
    await service.stop();
  });

  const sql = (query: string) => service.clickhouse.command({ query });
  const refusePoison = () =>
    sql("ALTER TABLE events ADD CONSTRAINT IF NOT EXISTS no_poison CHECK NOT startsWith(user_id, 'poison')");
  const acceptPoison = () => sql('ALTER TABLE events DROP CONSTRAINT IF EXISTS no_poison');

  /** Events of these users, as one batch of the API. */
  const publish = async (...events: [tenant: TestTenant, userId: string][]): Promise<void> => {
    const encoder = new EventRowEncoder();
    for (const [{ tenantId }, userId] of events) {
      encoder.append({
        tenantId,
        id: uuid7Bytes(),
        eventType: 'page_viewed',
        userId,
        anonymousId: '',
        eventId: '',
        occurredAt: Date.now(),
        receivedAt: Date.now() * 1000,
        payload: Buffer.from('{"secret":1}'),
      });
    }
    await transport.publish({ id: uuid7(), type: 'events.v1', events: events.length, rows: encoder.take() });
  };
  const untilIdle = () => waitUntil(async () => (await transport.status()).pending === 0, { timeoutMs: 20_000 });
  /** Every row there is, repeats included: not `FINAL`. */
  const stored = async ({ tenantId } = tenant) => {
    const result = await service.clickhouse.query({
      query: `SELECT count() AS rows, uniqExact(id) AS ids, arraySort(groupUniqArray(user_id)) AS users
        FROM events WHERE tenant_id = {tenantId: String}`,
      query_params: { tenantId },
      format: 'JSONEachRow',
    });
    const [found] = await result.json<{ rows: string; ids: string; users: string[] }>();
    return { rows: Number(found!.rows), ids: Number(found!.ids), users: found!.users };
  };
  const lettersOf = ({ tenantId } = tenant) => transport.deadLetters.list({ tenantId, limit: 1_000 });
  const replay = (id: string, { userToken } = tenant) =>
    request(service.url).post(`/api/ingestion/errors/${id}/replay/`).set('authorization', `Bearer ${userToken}`);
  const errorsOf = async ({ key } = tenant): Promise<ErrorBody[]> => {
    const response = await request(service.url).get('/api/ingestion/errors/').set('authorization', `ApiKey ${key}`);
    return (response.body as { errors: ErrorBody[] }).errors;
  };
  const users = (count: number, name = 'good') => Array.from({ length: count }, (_, i) => `${name}-${i}`).sort();
  const of = (owner: TestTenant, userIds: readonly string[]) =>
    userIds.map((userId): [TestTenant, string] => [owner, userId]);

  it('should be only the events that ClickHouse refuses, while all others are stored once', async () => {
    const good = users(500);
    const events = of(tenant, good);
    events.splice(123, 0, [tenant, 'poison-a']);
    events.splice(400, 0, [tenant, 'poison-b']);
    await publish(...events);
    await tenant.post('/api/ingestion/track/', { user_id: 'neighbour', event_type: 'page_viewed' }).expect(202);
    await untilIdle();

    expect(await stored()).toEqual({ rows: 501, ids: 501, users: [...good, 'neighbour'].sort() });
    const letters = await lettersOf();
    expect(letters.map(({ events: count, reason, tenantId }) => [count, reason, tenantId])).toEqual(
      Array(2).fill([1, expect.stringContaining('VIOLATED_CONSTRAINT (469)'), tenant.tenantId]),
    );
    const errors = await errorsOf();
    expect(errors.map(({ id }) => id).sort()).toEqual(letters.map(({ id }) => id).sort());
    expect(errors.map(({ user_id }) => user_id).sort()).toEqual(['poison-a', 'poison-b']);
    expect(errors[0]).toMatchObject({ error_type: 'dead_letter', source: 'worker', event_type: 'page_viewed' });
    expect(JSON.stringify(errors)).not.toContain('secret');
  });

  it('should be stored once by a replay after the cause was removed, and be gone, but for the record', async () => {
    await publish(...of(tenant, ['good', 'poison']));
    await untilIdle();
    const [letter] = await lettersOf();

    await replay(letter!.id).expect(202, { queued: true });
    await untilIdle();
    expect(await stored()).toEqual({ rows: 1, ids: 1, users: ['good'] });
    expect((await lettersOf()).map(({ id }) => id)).toEqual([letter!.id]);

    await acceptPoison();
    await replay(letter!.id).expect(202, { queued: true });
    await untilIdle();
    expect(await stored()).toEqual({ rows: 2, ids: 2, users: ['good', 'poison'] });
    expect(await lettersOf()).toEqual([]);
    await replay(letter!.id).expect(404);
    expect((await errorsOf()).map(({ id }) => id)).toEqual([letter!.id]);
  });

  it('should store nothing twice when replays come together, or after the events were stored', async () => {
    await publish(...of(tenant, ['poison']));
    await untilIdle();
    const [summary] = await lettersOf();
    const letter = (await transport.deadLetters.get(summary!.id))!;
    await acceptPoison();
    const statuses = await Promise.all(Array.from({ length: 10 }, async () => (await replay(summary!.id)).status));
    expect(statuses).toContain(202);
    expect(statuses.filter((status) => status !== 202 && status !== 404)).toEqual([]);
    await untilIdle();
    // What a worker would do that died between the two steps of giving it up.
    await transport.publish(letter.batch);
    await untilIdle();

    // In one insert or in several: its row may be there more than once, under one id.
    expect(await stored()).toMatchObject({ ids: 1, users: ['poison'] });
  });

  it('should be each tenant’s own, even of one batch', async () => {
    await publish([tenant, 'good-0'], [other, 'poison-other'], [tenant, 'poison'], [other, 'good-1']);
    await untilIdle();
    expect(await stored()).toMatchObject({ rows: 1, users: ['good-0'] });
    expect(await stored(other)).toMatchObject({ rows: 1, users: ['good-1'] });
    const [[own], [others]] = [await lettersOf(), await lettersOf(other)];
    expect((await errorsOf()).map(({ user_id }) => user_id)).toEqual(['poison']);

    await acceptPoison();
    await replay(others!.id).expect(404);
    await replay(own!.id).expect(202);
    await untilIdle();
    expect(await stored()).toMatchObject({ rows: 2, ids: 2 });
    expect(await stored(other)).toMatchObject({ rows: 1 });
    expect(await lettersOf(other)).toHaveLength(1);
  });

  it('should be found once when the worker fails in the middle of the search, and the batch is delivered again', async () => {
    const good = users(40);
    // Every insert succeeds, and then its worker fails before the queue has heard of it.
    const writer = service.app.get(EventWriter);
    const original = writer.store.bind(writer);
    const failed = new Set<string>();
    jest.spyOn(writer, 'store').mockImplementation(async (batch: StorableBatch, copies) => {
      await original(batch, copies);
      if (failed.size < 4 && !failed.has(batch.id)) {
        failed.add(batch.id);
        throw new Error('the worker died');
      }
    });
    await publish(...of(tenant, [...good.slice(0, 17), 'poison', ...good.slice(17)]));
    await untilIdle();

    expect(await stored()).toEqual({ rows: 40, ids: 40, users: good });
    expect(await lettersOf()).toHaveLength(1);
  });

  it('should lose and repeat nothing when the cause goes away in the middle of the search', async () => {
    const all = [...users(30), ...users(2, 'poison')].sort();
    const writer = service.app.get(EventWriter);
    const original = writer.store.bind(writer);
    let stores = 0;
    jest.spyOn(writer, 'store').mockImplementation(async (batch: StorableBatch, copies) => {
      await original(batch, copies);
      if (++stores === 1) await acceptPoison();
      // And whatever was in hand at that moment comes again.
      if (stores < 4) throw new Error('the worker died');
    });
    await publish(...of(tenant, all));
    await untilIdle();
    for (const { id } of await lettersOf()) await replay(id).expect(202);
    await untilIdle();

    expect(await stored()).toEqual({ rows: 32, ids: 32, users: all });
  });

  it('should be whole batches of bytes that are no rows, which only operators see', async () => {
    await transport.publish({ id: uuid7(), type: 'events.v1', events: 3, rows: Buffer.from('no rows') });
    await untilIdle();
    const [letter] = await transport.deadLetters.list({ limit: 10 });
    expect(letter).toMatchObject({ events: 3, tenantId: undefined });
    await replay(letter!.id).expect(404);
  });

  it('should answer 404 for what is no dead letter, and let nobody but users replay one', async () => {
    await publish(...of(tenant, ['poison']));
    await untilIdle();
    const [letter] = await lettersOf();
    const answer = await replay(uuid7()).expect(404);
    expect((answer.body as { detail: string }).detail).toMatch(/^There is no dead letter with this id\./);
    await replay('%2A').expect(404);
    await tenant.post(`/api/ingestion/errors/${letter!.id}/replay/`, {}).expect(403);
    await request(service.url).post(`/api/ingestion/errors/${letter!.id}/replay/`).expect(401);
    expect(await lettersOf()).toHaveLength(1);
  });

  describe('on the command line', () => {
    const run = async (...words: string[]) => {
      let out = '';
      let err = '';
      const env = await queueUnderTest({ QUEUE_PREFIX });
      const code = await runCli(['dead-letter', ...words], {
        env,
        out: (text) => (out += text),
        err: (text) => (err += text),
      });
      return { code, out, err };
    };

    it('should be listed, replayed and removed, of one tenant or of all', async () => {
      await publish([tenant, 'poison-0'], [tenant, 'poison-1'], [other, 'poison-2']);
      await untilIdle();
      const [own] = await lettersOf();
      const [others] = await lettersOf(other);

      const list = await run('list', '--tenant', other.tenantId, '--json');
      expect(list).toMatchObject({ code: 0, err: '' });
      expect(JSON.parse(list.out)).toEqual([
        {
          id: others!.id,
          tenant: other.tenantId,
          type: 'events.v1',
          events: 1,
          reason: others!.reason,
          diedAt: new Date(others!.diedAt).toISOString(),
        },
      ]);
      expect((await run('list')).out.trim().split('\n')).toHaveLength(3);
      expect(await run('replay', own!.id, '--tenant', other.tenantId)).toEqual({
        code: 1,
        out: '',
        err: `error: There is no dead letter "${own!.id}". See \`segops dead-letter list\`.\n`,
      });

      await acceptPoison();
      expect((await run('replay', own!.id)).out).toBe('Dead letters put into the queue again: 1.\n');
      expect((await run('replay', '--all', '--tenant', tenant.tenantId, '--json')).out).toBe('{"replayed":1}\n');
      expect((await run('remove', others!.id)).out).toBe(`Removed dead letter ${others!.id}.\n`);
      await untilIdle();
      expect(await stored()).toEqual({ rows: 2, ids: 2, users: ['poison-0', 'poison-1'] });
      expect(await stored(other)).toMatchObject({ rows: 0 });
      expect((await run('list')).out).toBe('There are no dead letters.\n');
    });

    it('should be replayed by --all once each, even while they are still refused', async () => {
      await publish(...of(tenant, users(5, 'poison')));
      await untilIdle();
      expect(await run('replay', '--all', '--json')).toEqual({ code: 0, out: '{"replayed":5}\n', err: '' });
      await untilIdle();
      expect(await lettersOf()).toHaveLength(5);
    });

    it.each([[[]], [['some-id', '--all']]])('should not guess which ones to replay: %j', async (words) => {
      expect(await run('replay', ...words)).toEqual({
        code: 1,
        out: '',
        err: 'error: Name one dead letter by its id, or all of them with --all.\n',
      });
    });
  });
});

describe('dead letters without their queue', () => {
  it('should answer 503 with Retry-After', async () => {
    const service = await startService({ ROLE: 'api' }, { withoutWarehouse: true });
    const { userToken } = await service.createTenant();
    // As when Redis goes away.
    await service.app.get(EventTransport).close();
    const response = await request(service.url)
      .post(`/api/ingestion/errors/${uuid7()}/replay/`)
      .set('authorization', `Bearer ${userToken}`);
    await service.stop();

    expect(response.status).toBe(503);
    expect(response.headers['retry-after']).toBe('1');
    expect(response.body).toEqual({ detail: 'Dead letters cannot be replayed at the moment. Ask again.' });
  });
});
