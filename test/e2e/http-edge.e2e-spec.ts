import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { createGunzip, gzipSync } from 'node:zlib';
import { ShopifyAccounts } from '../../src/shopify/settings/shopify-accounts.service.js';
import { routesOf } from '../support/routes.js';
import { deliver } from '../support/shopify.js';
import { sharedService, type TestService, type TestTenant } from '../support/service.js';
import { waitUntil } from '../support/wait-until.js';

const MIB = 1024 * 1024;
const TRACK = '/api/ingestion/track/';
const BATCH = '/api/ingestion/track/batch/';
const EVENT = { user_id: 'u', event_type: 'page_viewed' };
const BRACKETS = '['.repeat(5_000_000);
const NOBODYS_KEY = `ApiKey sk_live_${'A'.repeat(43)}`;
const SIGNATURE = `${'A'.repeat(43)}=`;

/** Routes that take a body, and ask for no credential but what it holds. */
const LOGIN = ['/api/auth/token/', '/api/auth/token/refresh/', '/api/auth/token/revoke/'];

describe('the edge of HTTP', () => {
  let service: TestService;
  let tenant: TestTenant;

  beforeAll(async () => {
    service = await sharedService();
  });
  beforeEach(async () => {
    tenant = await service.createTenant();
  });

  const open = (): Socket => {
    const { hostname, port } = new URL(service.url);
    return connect(Number(port), hostname);
  };

  /** What comes back until the connection closes, or until one whole answer has come. */
  const converse = (head: readonly string[], body: string | Buffer = ''): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = open();
      let answer = '';
      const end = () => {
        socket.destroy();
        resolve(answer);
      };
      socket.setTimeout(20_000, () => {
        reject(new Error(`The connection hangs after: ${answer}`));
        socket.destroy();
      });
      socket.on('data', (chunk) => {
        answer += chunk.toString();
        if (isWhole(answer)) end();
      });
      socket.on('error', reject);
      socket.on('close', end);
      socket.write(`${head.join('\r\n')}\r\n\r\n`);
      socket.write(body);
    });

  const post = (path: string, body: string | Buffer, headers: Record<string, string> = {}) =>
    fetch(`${service.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });

  /** The method, path and best credential of every route that takes a body, but for webhooks. */
  const bodyRoutes = async () => {
    const page = await publicKey();
    const credentialOf = (path: string): string => {
      if (path.startsWith('/api/auth/session')) return `ApiKey ${page}`;
      return path.startsWith('/api/ingestion') ? `ApiKey ${tenant.key}` : `Bearer ${tenant.userToken}`;
    };
    return routesOf(service.app)
      .map((route) => route.split(' ') as [string, string])
      .filter(([method, path]) => ['POST', 'PUT'].includes(method) && !path.includes('/ingestion/shopify/'))
      .filter(([, path]) => !path.includes('/replay'))
      .map(([method, path]) => {
        const address = `${path.replace(/:\w+/, 'order_placed')}/`;
        return { method, path: address, authorization: credentialOf(address) };
      });
  };
  const publicKey = async (): Promise<string> => {
    const answer = await post('/api/auth/api-keys/', JSON.stringify({ name: 'app', type: 'public' }), {
      authorization: `Bearer ${tenant.userToken}`,
    });
    return ((await answer.json()) as { key: string }).key;
  };

  describe('credentials', () => {
    const announce = (method: string, path: string, headers: readonly string[] = []) =>
      converse([
        `${method} ${path} HTTP/1.1`,
        'Host: x',
        'Content-Type: application/json',
        'Content-Encoding: gzip',
        'Content-Length: 1000',
        ...headers,
      ]);

    it('should be asked for before the body, on every route that takes one', async () => {
      const routes = (await bodyRoutes()).filter(({ path }) => !LOGIN.includes(path));
      expect(routes.length).toBeGreaterThan(8);
      for (const { method, path } of routes) {
        expect(await announce(method, path)).toMatch(/^HTTP\/1\.1 401 /);
        expect(await announce(method, path, [`Authorization: ${NOBODYS_KEY}`])).toMatch(/^HTTP\/1\.1 401 /);
        expect(await announce(method, path, ['Content-Type: text/xml'])).toMatch(/^HTTP\/1\.1 401 /);
      }
    });

    it('should be of a kind that the route accepts before the body is read', async () => {
      expect(await announce('POST', TRACK, [`Authorization: Bearer ${tenant.userToken}`])).toMatch(/^HTTP\/1\.1 403 /);
    });

    it('should be those of a tenant that exists before the body of a webhook is read, and of the form of a signature', async () => {
      await service.app.get(ShopifyAccounts).change(tenant.tenantId, { secrets: ['hush'] });
      const webhook = (tenantId: string, signature: string) =>
        announce('POST', `/api/ingestion/shopify/${tenantId}/`, [`X-Shopify-Hmac-Sha256: ${signature}`]);
      expect(await webhook('nobody', SIGNATURE)).toMatch(/^HTTP\/1\.1 401 /);
      expect(await webhook('NO%20SLUG', SIGNATURE)).toMatch(/^HTTP\/1\.1 401 /);
      expect(await webhook(tenant.tenantId, 'no signature')).toMatch(/^HTTP\/1\.1 401 /);
      await deliver(service.url, tenant.tenantId, { body: Buffer.from('{}'), secret: 'hush', topic: 'x/y' }).expect(
        200,
      );
    });

    it('should not be asked for where there is nothing, and no body be read', async () => {
      expect(await announce('POST', '/api/nothing/')).toMatch(/^HTTP\/1\.1 404 /);
      expect(await announce('PUT', TRACK)).toMatch(/^HTTP\/1\.1 405 /);
    });

    it('should be refused at once to a client that waits for a 100 Continue', async () => {
      const answer = await announce('POST', TRACK, [`Authorization: ${NOBODYS_KEY}`, 'Expect: 100-continue']);
      expect(answer).toMatch(/^HTTP\/1\.1 401 /);
      expect(answer).toMatch(/\r\nConnection: close\r\n/i);
    });

    it('should get that client its 100 Continue when they are good', async () => {
      const body = JSON.stringify(EVENT);
      const socket = open();
      socket.write(
        [
          `POST ${TRACK} HTTP/1.1`,
          'Host: x',
          `Authorization: ApiKey ${tenant.key}`,
          'Content-Type: application/json',
          `Content-Length: ${body.length}`,
          'Expect: 100-continue',
          '\r\n',
        ].join('\r\n'),
      );
      const [first] = (await once(socket, 'data')) as [Buffer];
      expect(first.toString()).toBe('HTTP/1.1 100 Continue\r\n\r\n');
      socket.write(body);
      const [second] = (await once(socket, 'data')) as [Buffer];
      expect(second.toString()).toMatch(/^HTTP\/1\.1 202 /);
      socket.destroy();
    });
  });

  describe('bodies', () => {
    const send = (
      { method, path, authorization }: { method: string; path: string; authorization: string },
      body: Buffer,
    ) =>
      fetch(`${service.url}${path}`, {
        method,
        headers: { authorization, 'content-type': 'application/json' },
        body: new Uint8Array(body),
      });

    it('should be valid UTF-8 on every route', async () => {
      for (const route of await bodyRoutes()) {
        const answer = await send(route, Buffer.from('{"email":"Zo\xeb"}', 'latin1'));
        expect({ ...route, status: answer.status, body: await answer.json() }).toEqual({
          ...route,
          status: 400,
          body: { detail: expect.stringMatching(/^The body is not valid UTF-8: line 1, column \d+\.$/) },
        });
      }
    });

    it('should be the same with and without a byte order mark, on every route', async () => {
      for (const route of await bodyRoutes()) {
        const body = '{"nothing":"that any route knows"}';
        const [plain, marked] = [await send(route, Buffer.from(body)), await send(route, Buffer.from(`\ufeff${body}`))];
        expect([marked.status, await marked.text()]).toEqual([plain.status, await plain.text()]);
      }
    });

    it('should not nest more than 64 levels, and not be parsed when they do, on every route', async () => {
      const parse = jest.spyOn(JSON, 'parse');
      const brackets = Buffer.from('['.repeat(60_000));
      for (const route of await bodyRoutes()) {
        const answer = await send(route, brackets);
        expect([route.path, answer.status]).toEqual([route.path, 400]);
      }
      const parsed = parse.mock.calls.filter(([json]) => json.startsWith('[['));
      parse.mockRestore();
      expect(parsed).toEqual([]);
    });

    it('should have at most 64 kB where events are not sent, and 1 MB where they are samples', async () => {
      for (const route of await bodyRoutes()) {
        if (route.path.startsWith('/api/ingestion/')) continue;
        const limit = /schemas\/(validate|infer)/.test(route.path) ? MIB : 64 * 1024;
        const filled = (bytes: number) => Buffer.from(`{"x":"${'x'.repeat(bytes - 8)}"}`);
        const [within, beyond] = [await send(route, filled(limit)), await send(route, filled(limit + 1))];
        expect([route.path, within.status === 413, beyond.status]).toEqual([route.path, false, 413]);
        expect(await beyond.json()).toEqual({ detail: expect.stringContaining(`${limit} bytes`) });
      }
    });

    it('should be cut off where they decompress to too much, long before the end', async () => {
      const decompressed = jest.spyOn(Object.getPrototypeOf(createGunzip()) as ReturnType<typeof createGunzip>, 'push');
      const bomb = gzipSync(Buffer.alloc(64 * MIB, ' '));
      const answers = [
        await post('/api/auth/token/', gzipSync(BRACKETS), { 'content-encoding': 'gzip' }),
        await tenant.post(BATCH, bomb, { 'content-encoding': 'gzip' }),
      ];
      expect(answers.map(({ status }) => status)).toEqual([413, 413]);
      let pushed = -1;
      await waitUntil(() => {
        const before = pushed;
        pushed = decompressed.mock.calls.length;
        return before === pushed;
      });
      decompressed.mockRestore();
      // In pieces of 16 kB: those of 64 kB and of 5 MB, and the next ones.
      expect(pushed).toBeLessThan(5 + 321 + 20);
    });

    it('should not be parsed where a field nests without end', async () => {
      const parse = jest.spyOn(JSON, 'parse');
      const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
      for (const field of ['user_id', 'event_type', 'occurred_at', 'anonymous_id', 'event_id', 'payload']) {
        const answer = await tenant.post(
          TRACK,
          JSON.stringify({ ...EVENT, [field]: 0 }).replace(/0}$|0,/, (end) => deep + end.slice(1)),
        );
        expect([field, answer.status]).toEqual([field, 400]);
        expect(answer.body).toEqual({ [field]: [expect.any(String)] });
      }
      const parsed = parse.mock.calls.filter(([json]) => json.startsWith('[['));
      parse.mockRestore();
      expect(parsed).toEqual([]);
    });
  });

  describe('a refusal of a body that is still being sent', () => {
    const large = Buffer.alloc(24 * MIB, ' ');
    const auth = () => ({ authorization: `ApiKey ${tenant.key}`, 'content-type': 'application/json' });
    const REFUSALS: readonly [number, () => Record<string, string>][] = [
      [413, auth],
      [401, () => ({ ...auth(), authorization: NOBODYS_KEY })],
      [403, () => ({ ...auth(), authorization: `Bearer ${tenant.userToken}` })],
      [415, () => ({ ...auth(), 'content-type': 'text/plain' })],
      [415, () => ({ ...auth(), 'content-encoding': 'lzma' })],
      [417, () => ({ ...auth(), expect: 'nothing' })],
    ];

    const throughHttp = (headers: Record<string, string>, agent: Agent | false, chunked: boolean): Promise<number> =>
      new Promise((resolve, reject) => {
        const length = chunked ? {} : { 'content-length': String(large.length) };
        const call = httpRequest(`${service.url}${TRACK}`, {
          method: 'POST',
          headers: { ...headers, ...length },
          agent,
        });
        call.on('response', (response) => {
          text(response)
            .then((body) => {
              expect(JSON.parse(body)).toEqual({ detail: expect.any(String) });
              resolve(response.statusCode ?? 0);
            })
            .catch(reject);
        });
        call.on('error', reject);
        if (chunked) {
          for (let at = 0; at < large.length; at += MIB) call.write(large.subarray(at, at + MIB));
          call.end();
        } else call.end(large);
      });

    it.each(REFUSALS)(
      'should reach Node’s http as %d, whether the connection is kept or not',
      async (status, headers) => {
        const agent = new Agent({ keepAlive: true });
        try {
          expect(await throughHttp(headers(), agent, false)).toBe(status);
          expect(await throughHttp(headers(), agent, true)).toBe(status);
          expect(await throughHttp(headers(), false, false)).toBe(status);
          expect(await throughHttp({ ...headers(), connection: 'close' }, false, true)).toBe(status);
        } finally {
          agent.destroy();
        }
      },
    );

    it.each(REFUSALS.filter(([status]) => status !== 417))(
      'should reach Node’s fetch as %d',
      async (status, headers) => {
        const answer = await post(TRACK, large, headers());
        expect(answer.status).toBe(status);
        expect(await answer.json()).toEqual({ detail: expect.any(String) });
      },
    );

    it('should be a 400 when it cannot be decompressed, though there is more of it', async () => {
      const headers = { ...auth(), 'content-encoding': 'gzip' };
      for (const agent of [new Agent({ keepAlive: true }), false] as const) {
        expect(await throughHttp(headers, agent, true)).toBe(400);
        if (agent !== false) agent.destroy();
      }
    });

    it('should reach a client that reads nothing before it has sent everything', async () => {
      const { hostname, port } = new URL(service.url);
      const script = `
import http.client, sys
for close in (False, True):
    c = http.client.HTTPConnection(${JSON.stringify(hostname)}, ${port})
    headers = {"Authorization": ${JSON.stringify(auth().authorization)}, "Content-Type": "application/json"}
    if close: headers["Connection"] = "close"
    c.request("POST", ${JSON.stringify(TRACK)}, b" " * ${large.length}, headers)
    r = c.getresponse()
    print(r.status, len(r.read()) > 0)
`;
      const { stdout } = await promisify(execFile)('python3', ['-c', script]);
      expect(stdout).toBe('413 True\n413 True\n');
    });

    it('should leave the connection to the next request when the rest was not too much', async () => {
      const socket = open();
      let answers = '';
      socket.on('data', (chunk) => (answers += chunk.toString()));
      const send = (authorization: string, body: string | Buffer) => {
        const head = ['Host: x', `Authorization: ${authorization}`, 'Content-Type: application/json'];
        socket.write([`POST ${TRACK} HTTP/1.1`, ...head, `Content-Length: ${body.length}`, '\r\n'].join('\r\n'));
        socket.write(body);
      };
      send(NOBODYS_KEY, large);
      send(auth().authorization, JSON.stringify(EVENT));
      await waitUntil(() => answers.includes('HTTP/1.1 202'));
      expect(answers).toMatch(/^HTTP\/1\.1 401 /);
      socket.destroy();
    });

    it('should be all that a client gets that never stops sending', async () => {
      const socket = open();
      let answer = '';
      socket.on('data', (chunk) => (answer += chunk.toString()));
      socket.on('error', () => undefined);
      socket.write(
        `POST ${TRACK} HTTP/1.1\r\nHost: x\r\nAuthorization: ${NOBODYS_KEY}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
      );
      const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(MIB), Buffer.from('\r\n')]);
      const cutOff = new Promise((resolve) => socket.once('close', resolve));
      let sent = 0;
      while (!socket.destroyed && sent < 512) {
        sent++;
        if (socket.write(chunk)) continue;
        await Promise.race([cutOff, new Promise((resolve) => socket.once('drain', resolve))]);
      }
      await cutOff;
      expect(answer).toMatch(/^HTTP\/1\.1 401 /);
      // 64 MB, and what the kernel holds of a connection.
      expect(sent).toBeGreaterThanOrEqual(64);
      expect(sent).toBeLessThan(128);
    });
  });

  describe('a request that no route sees', () => {
    it.each<[string, number, readonly string[]]>([
      ['has no Host', 400, ['GET /livez HTTP/1.1']],
      ['expects what nobody knows', 417, ['GET /livez HTTP/1.1', 'Host: x', 'Expect: the-moon']],
      ['asks about the whole server', 404, ['OPTIONS * HTTP/1.1', 'Host: x']],
      [
        'asks about the whole server from a page',
        404,
        ['OPTIONS * HTTP/1.1', 'Host: x', 'Origin: https://a.example', 'Access-Control-Request-Method: POST'],
      ],
      ['has a method that is nowhere served', 405, ['TRACE /livez HTTP/1.1', 'Host: x']],
      ['has an address that cannot be decoded', 400, ['GET /api/%zz/ HTTP/1.1', 'Host: x']],
      ['has no address', 400, ['GET  HTTP/1.1', 'Host: x']],
      ['is of another protocol', 400, ['HELLO']],
      ['has a header of another form', 400, ['GET /livez HTTP/1.1', 'Host: x', 'no colon']],
      ['says twice how long it is', 400, ['POST /livez HTTP/1.1', 'Host: x', 'Content-Length: 1', 'Content-Length: 2']],
      ['has headers without end', 431, ['GET /livez HTTP/1.1', 'Host: x', `X: ${'y'.repeat(20_000)}`]],
    ])('should be answered with a request id and a detail when it %s', async (_, status, head) => {
      const answer = await converse(head);
      expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
      expect(answer).toMatch(/\r\nX-Request-Id: [\w-]{36}\r\n/i);
      expect(answer).toMatch(/\r\n\r\n\{"detail":"[^"]+"\}$/);
    });

    it('should be answered with its own request id where it could be read', async () => {
      const answer = await converse(['GET /livez HTTP/1.1', 'X-Request-Id: mine']);
      expect(answer).toMatch(/\r\nX-Request-Id: mine\r\n/i);
    });

    it('should be taken without a Host from a client of HTTP/1.0, which has none', async () => {
      expect(await converse(['GET /livez HTTP/1.0'])).toMatch(/^HTTP\/1\.1 200 /);
    });
  });

  describe('repeated slashes', () => {
    it.each([
      '//api/ingestion/track/',
      '/api//ingestion///track',
      '/api/ingestion/track//',
      '//api/ingestion/track/?a=//',
    ])('should count as one in %s', async (path) => {
      await tenant.post(path, EVENT).expect(202);
    });

    it.each(['/api/ingestion/shopify/', '/api/ingestion/shopify//', '/api//ingestion/shopify///'])(
      'should leave %s an address of nothing',
      async (path) => {
        const answer = await tenant.post(path, EVENT);
        expect(answer.status).toBe(404);
        expect(answer.body).toEqual({ detail: 'There is nothing at this address. Check the path.' });
      },
    );

    it('should name the methods of the path that is meant', async () => {
      const answer = await tenant.post('/api//auth/api-keys///x', EVENT);
      expect(answer.status).toBe(405);
      expect(answer.headers['allow']).toBe('DELETE');
    });
  });
});

/** Whether a text is at least one answer with its whole body; 100 Continue is none. */
function isWhole(answer: string): boolean {
  const [, length, body] = /^content-length: (\d+)\r\n(?:.+\r\n)*\r\n([^]*)$/im.exec(answer) ?? [];
  return length !== undefined && Buffer.byteLength(body ?? '') >= Number(length);
}
