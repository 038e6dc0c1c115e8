import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import { Client } from 'pg';
import { postgresIsInstalled, PostgresServer } from '../../test/support/postgres.server.js';
import { waitUntil } from '../../test/support/wait-until.js';
import { PostgresListener } from './postgres.control-plane.js';

const CHANNEL = 'control_plane_changes';

(postgresIsInstalled ? describe : describe.skip)('PostgresListener', () => {
  let postgres: PostgresServer;
  let speaker: Client;
  let listener: PostgresListener | undefined;
  let told: string[];

  const hears = {
    onListening: () => told.push('listening'),
    onMessage: (message: string) => told.push(message),
    onLost: () => told.push('lost'),
  };

  /** What operators read. */
  const logged: string[] = [];
  const write = (text: unknown) => logged.push(String(text));

  beforeAll(async () => {
    Logger.overrideLogger({ log: write, warn: write, error: write });
    postgres = await PostgresServer.start();
    speaker = new Client({ connectionString: postgres.url });
    await speaker.connect();
  });
  afterAll(async () => {
    await speaker.end();
    await postgres.stop();
    Logger.overrideLogger(false);
  });
  beforeEach(() => {
    told = [];
    logged.length = 0;
  });
  afterEach(() => listener?.stop());

  const say = (message: string) => speaker.query('SELECT pg_notify($1, $2)', [CHANNEL, message]);

  it('should tell at once that its connection is lost, and go on when there is another', async () => {
    listener = await PostgresListener.start(postgres.url, CHANNEL, hears);
    await say('one');
    await waitUntil(() => told.length === 2);
    await speaker.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN %' AND pid <> pg_backend_pid()`,
    );
    await waitUntil(() => told.includes('lost'));
    await say('two');
    await waitUntil(() => told.length === 4);
    await say('three');
    await waitUntil(() => told.length === 5);
    expect(told).toEqual(['listening', 'one', 'lost', 'listening', 'three']);
    expect(logged).toEqual([
      expect.stringMatching(/^Changes by other instances are not heard.* \(57P01\)\. Check DATABASE_URL/),
      'Changes by other instances are heard again.',
    ]);
    await listener.stop();
    expect(logged).toHaveLength(2);
  });

  it('should return from a server that takes connections and says no more, and try again', async () => {
    const { server, url, heal } = await startProxyThatSwallowsListen();
    try {
      listener = await PostgresListener.start(url, CHANNEL, hears);
      expect(told).toEqual(['lost']);
      heal();
      await waitUntil(() => told.includes('listening'));
    } finally {
      await listener?.stop();
      server.close();
    }
  });

  async function startProxyThatSwallowsListen(): Promise<{ server: Server; url: string; heal: () => void }> {
    let isIll = true;
    const server = createServer((client: Socket) => {
      const upstream = connect(Number(new URL(postgres.url).port), '127.0.0.1');
      client.on('data', (bytes) => {
        if (!isIll || !bytes.includes('LISTEN')) upstream.write(bytes);
      });
      upstream.pipe(client);
      client.on('close', () => upstream.destroy()).on('error', () => undefined);
      upstream.on('error', () => undefined);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    return {
      server,
      url: `postgres://segops@127.0.0.1:${port}/postgres`,
      heal: () => {
        isIll = false;
      },
    };
  }
});
