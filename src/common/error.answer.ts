import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { finished, Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ApiErrorBody } from './errors.js';
import { REQUEST_ID_HEADER } from './request.log.js';
import { uuid7 } from './uuid7.js';

/** How much of a rejected body is read: more than honest clients send, in the time that most of them wait. */
const MAX_DROPPED_BYTES = 64 * 1024 * 1024;
const DROP_FOR_MS = 10_000;

/** The only expectation in HTTP (RFC 9110, 10.1.1). */
export const CONTINUE = /^100-continue$/i;

/**
 * Sends an error. A client that is still sending its body gets it at once, and the rest of the body is read and dropped before
 * the connection closes: otherwise the client would report a broken pipe instead of the answer, and send again.
 */
export function sendError({ raw, id }: FastifyRequest, reply: FastifyReply, body: ApiErrorBody): void {
  // Some requests are rejected before the hook that sets the id.
  void reply.header(REQUEST_ID_HEADER, id);
  if (!isSending(raw)) {
    void reply.send(body);
    return;
  }
  const text = Buffer.from(JSON.stringify(body));
  void reply
    .headers({ 'content-type': 'application/json; charset=utf-8', 'content-length': text.length })
    .send(Readable.from(untilDropped(text, raw)));
}

function isSending({ complete, headers, readableFlowing }: IncomingMessage): boolean {
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length']) > 0;
  // A client that waits for 100 Continue sends nothing after an error.
  const isWaiting = CONTINUE.test(headers.expect ?? '') && readableFlowing === null;
  return hasBody && !complete && !isWaiting;
}

/** The answer is sent at once, and ends when the body does. */
async function* untilDropped(text: Buffer, request: IncomingMessage): AsyncGenerator<Buffer> {
  yield text;
  await dropRest(request);
}

/** Resolves when the request has ended or was cut off. */
function dropRest(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    const cutOff = (): void => void request.destroy();
    const timer = setTimeout(cutOff, DROP_FOR_MS);
    finished(request, { writable: false }, () => {
      clearTimeout(timer);
      resolve();
    });
    let dropped = 0;
    request.on('data', ({ length }: Buffer) => {
      dropped += length;
      if (dropped > MAX_DROPPED_BYTES) cutOff();
    });
    request.resume();
  });
}

/** How long a client may take to read the answer. */
const CUT_OFF_AFTER_MS = 10_000;

/** Answers on the socket what Node's parser rejected before there was a request. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) {
    socket.destroy();
    return;
  }
  if (!socket.writable) return;
  const { status, detail } = describe(error.code);
  const body = JSON.stringify({ detail });
  socket.end(
    [
      `HTTP/1.1 ${status}`,
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      `X-Request-Id: ${uuid7()}`,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  );
  const cutOff = setTimeout(() => socket.destroy(), CUT_OFF_AFTER_MS);
  socket.once('close', () => clearTimeout(cutOff));
}

function describe(code: string | undefined): { status: string; detail: string } {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return { status: '431 Request Header Fields Too Large', detail: 'The headers are too large.' };
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return { status: '408 Request Timeout', detail: 'The request took too long to arrive.' };
  }
  return { status: '400 Bad Request', detail: 'This is not an HTTP request that can be read.' };
}
