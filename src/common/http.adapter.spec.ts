import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { Logger } from '@nestjs/common';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { createHttpAdapter } from './http.adapter.js';

describe('createHttpAdapter', () => {
  let adapter: FastifyAdapter;
  let port: number;

  beforeAll(async () => {
    adapter = createHttpAdapter({ maxBodyBytes: 1024, requestTimeoutMs: 500 });
    const fastify = adapter.getInstance();
    fastify.post('/', () => 'ok');
    await fastify.listen({ port: 0, host: '127.0.0.1' });
    port = (fastify.server.address() as AddressInfo).port;
  });
  afterAll(() => adapter.getInstance().close());

  it.each([
    ['headers', 'POST / HTTP/1.1\r\nhost: x\r\n'],
    ['a body', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"a"'],
  ])('should answer 408 and close when %s does not arrive', async (_, text) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    socket.write(text);
    await once(socket, 'close');
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('"detail"');
  });

  it.each([
    [undefined, 1],
    ['10.0.0.0/8', 0],
  ])('should warn once of X-Forwarded-For when the trusted proxies are %s: %i', async (trustedProxies, warnings) => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
    const other = createHttpAdapter({ maxBodyBytes: 1024, trustedProxies });
    const fastify = other.getInstance();
    fastify.get('/', () => 'ok');
    await fastify.inject('/');
    expect(warn).not.toHaveBeenCalled();
    for (let i = 0; i < 3; i++) await fastify.inject({ url: '/', headers: { 'x-forwarded-for': '192.0.2.1' } });
    const lines = warn.mock.calls.map(([line]: unknown[]) => String(line));
    warn.mockRestore();
    await fastify.close();
    expect(lines).toEqual(Array(warnings).fill(expect.stringContaining('TRUSTED_PROXIES')));
  });
});
