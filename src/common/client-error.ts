import type { Socket } from 'node:net';
import { uuid7 } from './uuid7.js';

/** How long a client may take to read the answer before its connection is cut off. */
const CUT_OFF_AFTER_MS = 10_000;

/** What Node's parser could not take, before there is a request: answered on the bare socket. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) {
    socket.destroy();
    return;
  }
  if (!socket.writable) {
    return;
  }
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
  socket.once('close', () => {
    clearTimeout(cutOff);
  });
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
