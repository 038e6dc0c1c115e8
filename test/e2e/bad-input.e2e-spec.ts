import { connect } from 'node:net';
import { createGunzip, type Gunzip, gzipSync } from 'node:zlib';
import request from 'supertest';
import { sharedService, type TestService, type TestTenant } from '../support/service.js';

const MIB = 1024 * 1024;

/** Whatever comes in: a clear answer, never a 500, never a hung connection, and never a lost neighbour. */
describe('bad input', () => {
  let service: TestService;
  let tenant: TestTenant;

  beforeAll(async () => {
    service = await sharedService();
  });
  beforeEach(async () => {
    tenant = await service.createTenant();
  });

  const track = '/api/ingestion/track/';
  const batch = '/api/ingestion/track/batch/';
  const good = (user_id = 'good') => ({ user_id, event_type: 'page_viewed' });

  it.each(['', '{', '{"user_id":"u"', 'null,', '{"a":1}}', "{'user_id':'u'}", 'NaN', '{"a":"\u0007"}', '\u0000'])(
    'should answer 400 to the malformed JSON %j',
    async (body) => {
      for (const path of [track, batch]) {
        const response = await tenant.post(path, Buffer.from(body));
        expect(response.status).toBe(400);
        expect(response.body).toEqual({ detail: expect.any(String) });
      }
    },
  );

  it('should answer 400 to bytes that are not UTF-8', async () => {
    const response = await tenant.post(track, Buffer.from('{"user_id":"Zo\xeb","event_type":"e"}', 'latin1'));
    expect(response.status).toBe(400);
    expect(response.body).toEqual({ detail: 'The body is not valid UTF-8: line 1, column 15.' });
  });

  it.each(['[]', '"text"', '7', 'null', 'true'])('should answer 400 to %s, which is no event', async (body) => {
    const response = await tenant.post(track, body);
    expect(response.status).toBe(400);
    expect(response.body).toEqual({ detail: 'The event must be a JSON object.' });
  });

  it.each([
    ['a wrong type', '{"user_id":1,"event_type":"e"}'],
    ['NUL characters', '{"user_id":"a\\u0000b","event_type":"e"}'],
    ['a lone surrogate in an id', '{"user_id":"\\ud800","event_type":"e"}'],
    ['a lone surrogate in the payload', '{"user_id":"u","event_type":"e","payload":{"a":"\\udfff"}}'],
    ['a number beyond every double', '{"user_id":"u","event_type":"e","payload":{"a":1e999}}'],
    ['deep nesting', `{"user_id":"u","event_type":"e","payload":{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}}`],
    ['a date far in the future', '{"user_id":"u","event_type":"e","occurred_at":"9999-01-01T00:00:00Z"}'],
    ['a date far in the past', '{"user_id":"u","event_type":"e","occurred_at":"0001-01-01T00:00:00Z"}'],
    ['an impossible date', '{"user_id":"u","event_type":"e","occurred_at":"2026-02-30T00:00:00Z"}'],
    ['a user id only in __proto__', '{"event_type":"e","__proto__":{"user_id":"u"}}'],
    ['an oversized event', JSON.stringify({ ...good(), payload: { a: 'x'.repeat(300_000) } })],
  ])('should refuse %s alone, and skip it in a batch without harm to its neighbours', async (_, bad) => {
    const single = await tenant.post(track, bad);
    expect([400, 413]).toContain(single.status);
    const before = JSON.stringify(good('before'));
    const after = JSON.stringify(good('after'));
    const response = await tenant.post(batch, `{"events":[${before},${bad},${after}]}`);
    expect(response.status).toBe(202);
    expect(response.body).toMatchObject({ queued: 2, skipped: 1, errors: [{ index: 1 }] });
    expect((await tenant.storedEvents(2)).map(({ user_id }) => user_id)).toEqual(['before', 'after']);
  });

  it.each([
    '{"__proto__":{"admin":true},"constructor":{"prototype":1},"toString":"x"}',
    '{"big":18446744073709551615,"bigger":123456789012345678901234567890,"tiny":1e-400,"e":-1.5E+300}',
    '{"nul":"a\\u0000b","emoji":"🛒","escaped":"\\ud83d\\uded2"}',
    '{"a":{"b":1},"a.b":2,"":3,"dup":1,"dup":2}',
    '{ "spaced" : [ 1 , 2 ] }',
  ])('should store the odd but valid payload %s as it is', async (payload) => {
    await tenant.post(track, `{"user_id":"u","event_type":"e","payload":${payload}}`).expect(202);
    expect(await tenant.storedEvents(1)).toMatchObject([{ payload }]);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it('should answer 413 to an event that is too large', async () => {
    const response = await tenant.post(track, { ...good(), payload: { a: 'x'.repeat(300_000) } });
    expect(response.status).toBe(413);
    expect(response.body).toEqual({ detail: expect.stringContaining('262144 bytes') });
  });

  it('should answer 413 to a body that is too large', async () => {
    const response = await tenant.post(track, Buffer.alloc(6 * MIB, ' '));
    expect(response.status).toBe(413);
    expect(response.body).toEqual({ detail: expect.stringContaining('5242880 bytes') });
  });

  it('should cut off a compression bomb', async () => {
    const bomb = gzipSync(Buffer.alloc(512 * MIB, ' '));
    const unpacked = jest.spyOn(Object.getPrototypeOf(createGunzip()) as Gunzip, 'push');
    const response = await tenant.post(batch, bomb, { 'content-encoding': 'gzip' });
    expect(response.status).toBe(413);
    expect(response.body).toEqual({ detail: expect.stringContaining('after decompression') });
    const bytes = unpacked.mock.calls.reduce((sum, [chunk]) => sum + ((chunk as Buffer | null)?.length ?? 0), 0);
    unpacked.mockRestore();
    expect(bytes).toBeGreaterThan(5 * MIB);
    expect(bytes).toBeLessThan(6 * MIB);
  });

  it('should count what a body decompresses to', async () => {
    const body = gzipSync(JSON.stringify({ events: [{ ...good(), payload: { a: 'x'.repeat(250_000) } }] }));
    await tenant.post(batch, body, { 'content-encoding': 'gzip' }).expect(202);
  });

  it.each([
    ['cut short', gzipSync(JSON.stringify(good())).subarray(0, 20)],
    ['not gzip at all', Buffer.from(JSON.stringify(good()))],
  ])('should answer 400 to a gzip body that is %s', async (_, body) => {
    const response = await tenant.post(track, body, { 'content-encoding': 'gzip' });
    expect(response.status).toBe(400);
    expect(response.body).toEqual({ detail: expect.any(String) });
  });

  it.each([
    [{ 'content-type': 'text/plain' }],
    [{ 'content-type': 'application/x-www-form-urlencoded' }],
    [{ 'content-type': 'application/xml' }],
    [{ 'content-type': 'nonsense' }],
    [{ 'content-encoding': 'lzma' }],
  ])('should answer 415 to %j', async (headers) => {
    const response = await tenant.post(track, Buffer.from(JSON.stringify(good())), headers);
    expect(response.status).toBe(415);
    expect(response.body).toEqual({ detail: expect.stringContaining('application/json') });
  });

  it.each(['application/json; charset=utf-8', 'application/json;charset=UTF-8', 'Application/JSON'])(
    'should accept the content type %s',
    async (type) => {
      await tenant.post(track, Buffer.from(JSON.stringify(good())), { 'content-type': type }).expect(202);
    },
  );

  it.each([
    ['get', track, 'POST'],
    ['put', batch, 'POST'],
    ['delete', '/api/ingestion/track', 'POST'],
    ['post', '/api/ingestion/health/', 'GET, HEAD'],
    ['patch', '/livez', 'GET, HEAD'],
  ] as const)('should answer 405 to %s %s, and name the methods that are allowed', async (method, path, allow) => {
    const response = await request(service.url)[method](path);
    expect(response.status).toBe(405);
    expect(response.headers.allow).toBe(allow);
    expect(response.body).toEqual({ detail: expect.any(String) });
  });

  it.each(['/', '/api', '/api/ingestion/', '/api/ingestion/track/x/', '/api/ingestion/track/batch/x', '/favicon.ico'])(
    'should answer 404 to %s',
    async (path) => {
      for (const method of ['get', 'post'] as const) {
        const response = await request(service.url)[method](path);
        expect(response.status).toBe(404);
        expect(response.body).toEqual({ detail: expect.any(String) });
        expect(response.headers['x-request-id']).toBeDefined();
      }
    },
  );

  it('should answer 400 to an address that cannot be decoded', async () => {
    const response = await request(service.url).get('/api/%zz/');
    expect(response.status).toBe(400);
    expect(response.body).toEqual({ detail: expect.any(String) });
    expect(response.headers['x-request-id']).toBeDefined();
  });

  describe('on the bare socket', () => {
    const converse = (text: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const { hostname, port } = new URL(service.url);
        const socket = connect(Number(port), hostname, () => socket.write(text));
        let answer = '';
        socket.setTimeout(30_000, () => {
          socket.destroy();
          reject(new Error(`The connection hangs after: ${answer}`));
        });
        socket.on('data', (chunk) => (answer += chunk.toString()));
        socket.on('error', reject);
        socket.on('close', () => {
          resolve(answer);
        });
      });

    it('should answer what is not HTTP with a 400 of the usual shape, and close', async () => {
      const answer = await converse('HELLO\r\n\r\n');
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer).toMatch(/X-Request-Id: \S+/);
      expect(answer).toMatch(/{"detail":"[^"]+"}$/);
    });

    it('should answer headers that are too large with a 431, and close', async () => {
      const answer = await converse(`GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    });

    it('should answer a POST without a body', async () => {
      const answer = await converse(
        `POST ${track} HTTP/1.1\r\nhost: x\r\nauthorization: ApiKey ${tenant.key}\r\nconnection: close\r\n\r\n`,
      );
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer).toContain('The body is empty');
    });
  });
});
