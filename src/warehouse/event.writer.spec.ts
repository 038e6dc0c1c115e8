import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { type FreshDatabase, freshClickHouseDatabase } from '../../test/support/servers.js';
import { uuid7, uuid7Bytes } from '../common/uuid7.js';
import { ClickHouseServer } from '../embedded/clickhouse.server.js';
import { BatchRefusedError } from './warehouse.errors.js';
import { createClickHouseClient } from './clickhouse.client.js';
import { EventRowEncoder } from './event-row.encoder.js';
import { EventWriter } from './event.writer.js';
import { Migrator } from './migrator.js';
import { userProperties } from './queries/user-properties.query.js';

const encoder = new EventRowEncoder();
let clock = 1_790_000_000_000_000;

function rowsOf(count: number, { eventType = 'page_viewed', payload = '{"secret":"row content"}' } = {}): Buffer {
  for (let i = 0; i < count; i++) {
    encoder.append({
      tenantId: 'acme',
      id: uuid7Bytes(),
      eventType,
      userId: `u-${clock}`,
      anonymousId: '',
      eventId: '',
      occurredAt: Math.floor(clock / 1000),
      receivedAt: clock++,
      payload: Buffer.from(payload),
    });
  }
  return encoder.take();
}

async function countRows(client: ClickHouseClient, table = 'events'): Promise<number> {
  const result = await client.query({ query: `SELECT count() FROM ${table}`, format: 'JSONCompactEachRow' });
  const [row] = await result.json<[string]>();
  return Number(row![0]);
}

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => Promise.reject(new Error('it should have failed')),
    (error: unknown) => error as Error,
  );
}

describe('EventWriter', () => {
  let database: FreshDatabase;
  let client: ClickHouseClient;
  let writer: EventWriter;

  beforeEach(async () => {
    database = await freshClickHouseDatabase();
    client = createClickHouseClient(database.url, 32);
    writer = new EventWriter(client);
    await new Migrator(client, database.url).migrate();
  });

  afterEach(async () => {
    await client.close();
    await database.drop();
  });

  it('should store a batch once, however often and concurrently it is sent among others', async () => {
    const batches = Array.from({ length: 6 }, () => ({
      id: uuid7(),
      rows: rowsOf(50, { eventType: 'context_identified' }),
    }));
    await Promise.all([...batches, ...batches, ...batches, ...batches, ...batches].map((batch) => writer.store(batch)));
    for (const batch of batches) await writer.store(batch);

    expect(await countRows(client)).toBe(300);
    expect(await countRows(client, 'user_properties')).toBe(300);
  });

  it('should store batches of different ids, even when their rows are the same', async () => {
    const rows = rowsOf(3);
    await writer.store({ id: uuid7(), rows });
    await writer.store({ id: uuid7(), rows });

    expect(await countRows(client)).toBe(6);
    expect(await countRows(client, 'events FINAL')).toBe(3);
  });

  it('should refuse rows that cannot be read, quote nothing of them, and store their neighbours', async () => {
    const rows = rowsOf(100);
    const [failure] = await Promise.all([
      failureOf(writer.store({ id: uuid7(), rows: rows.subarray(0, rows.length - 7) })),
      ...Array.from({ length: 8 }, () => writer.store({ id: uuid7(), rows: rowsOf(10) })),
    ]);

    expect(failure).toBeInstanceOf(BatchRefusedError);
    expect(failure.message).toBe('ClickHouse cannot read the rows of this batch: CANNOT_READ_ALL_DATA (33)');
    expect(await countRows(client)).toBe(80);
  });

  it('should store every odd payload and give it back as it was', async () => {
    const payloads = [
      '{"a":{"b":1},"a.b":2}',
      '{"n":18446744073709551616,"m":-123456789012345678901234567890}',
      '{"d":'.repeat(100) + '1' + '}'.repeat(100),
      '{"k":1,"k":2}',
      '{"":1,"a.b":2,"__proto__":{"x":1},"e":1e3,"h":1e400,"z":-0.0,"n":null}',
      '{"s":"\\ud800","t":"\\u0000 ünïcode 😀"}',
    ];
    for (const [i, payload] of payloads.entries()) {
      await writer.store({ id: uuid7(), rows: rowsOf(1, { eventType: `odd_${i}`, payload }) });
    }

    const result = await client.query({
      query: 'SELECT payload FROM events ORDER BY event_type',
      format: 'JSONEachRow',
    });
    expect(await result.json()).toEqual(payloads.map((payload) => ({ payload })));
  });

  it('should leave a batch for later when the table is missing, without quoting SQL', async () => {
    await client.command({ query: 'DROP TABLE events SYNC' });
    const failure = await failureOf(writer.store({ id: uuid7(), rows: rowsOf(1) }));

    expect(failure).not.toBeInstanceOf(BatchRefusedError);
    expect(failure.message).toBe('ClickHouse did not store the batch: UNKNOWN_TABLE (60)');
  });

  it('should keep the latest context_identified payload by occurred_at, then receipt, in whatever order they arrive', async () => {
    const identify = async (occurredAt: number, receivedAt: number, payload: string) => {
      encoder.append({
        tenantId: 'acme',
        id: uuid7Bytes(),
        eventType: 'context_identified',
        userId: 'u-1',
        anonymousId: '',
        eventId: '',
        occurredAt,
        receivedAt,
        payload: Buffer.from(payload),
      });
      await writer.store({ id: uuid7(), rows: encoder.take() });
    };
    const current = () => userProperties(client, 'acme', 'u-1');

    expect(await current()).toBeUndefined();
    await identify(5_000, 9_000_001, '{"plan":"pro"}');
    await identify(4_000, 9_000_002, '{"plan":"late","extra":1}');
    expect(await current()).toBe('{"plan":"pro"}');
    await identify(5_000, 9_000_000, '{"plan":"received before"}');
    expect(await current()).toBe('{"plan":"pro"}');
    await identify(5_000, 9_000_003, '{"plan":"received after"}');
    expect(await current()).toBe('{"plan":"received after"}');
    await client.command({ query: 'OPTIMIZE TABLE user_properties FINAL' });
    expect(await current()).toBe('{"plan":"received after"}');
    expect(await userProperties(client, 'globex', 'u-1')).toBeUndefined();
  });
});

describe('EventWriter and a ClickHouse that fails', () => {
  const closing: (() => Promise<unknown> | undefined)[] = [];

  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  it('should recognise a batch after ClickHouse was killed and started again', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'segops-writer-'));
    closing.push(() => {
      rmSync(dataDir, { recursive: true, force: true });
      return undefined;
    });
    const batch = { id: uuid7(), rows: rowsOf(20, { eventType: 'context_identified' }) };

    for (const restart of [false, true]) {
      const server = await ClickHouseServer.start({ dataDir });
      const url = `${server.url}/events_db`;
      const client = createClickHouseClient(url, 4);
      try {
        await new Migrator(client, url).migrate();
        await new EventWriter(client).store(batch);
        expect(await countRows(client)).toBe(20);
        expect(await countRows(client, 'user_properties')).toBe(20);
      } finally {
        await client.close();
        await (restart ? server.stop() : server.kill());
      }
    }
  });

  it('should fail at once, for a later try, when nobody listens', async () => {
    const failure = await failureOf(writerFor('http://127.0.0.1:1').store({ id: uuid7(), rows: rowsOf(1) }));

    expect(failure).not.toBeInstanceOf(BatchRefusedError);
    expect(failure.message).toContain('ECONNREFUSED');
  });

  it('should give up at its deadline, for a later try, when ClickHouse takes the rows and never answers', async () => {
    const port = await listen((socket) => socket.resume());
    const failure = await failureOf(
      writerFor(`http://127.0.0.1:${port}`, 300).store({ id: uuid7(), rows: rowsOf(1000) }),
    );

    expect(failure).not.toBeInstanceOf(BatchRefusedError);
    expect(failure.message).toBe('ClickHouse did not answer within 300 ms');
  });

  it('should leave the batch for later when something that is not ClickHouse answers', async () => {
    const port = await listen((socket) => {
      socket.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbad');
    });
    const failure = await failureOf(writerFor(`http://127.0.0.1:${port}`).store({ id: uuid7(), rows: rowsOf(1) }));

    expect(failure).not.toBeInstanceOf(BatchRefusedError);
  });

  function writerFor(url: string, timeoutMs?: number): EventWriter {
    const client = createClickHouseClient(url, 4);
    closing.push(() => client.close());
    return new EventWriter(client, timeoutMs);
  }

  async function listen(onConnection: (socket: Socket) => void): Promise<number> {
    const sockets = new Set<Socket>();
    const server: Server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      onConnection(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(
      () =>
        new Promise((resolve) => {
          for (const socket of sockets) socket.destroy();
          server.close(resolve);
        }),
    );
    return (server.address() as AddressInfo).port;
  }
});
