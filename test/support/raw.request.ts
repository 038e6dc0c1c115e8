import { connect, type Socket } from 'node:net';

export interface RawRequest {
  /** Resolves with the status of the answer; rejects when the connection ends without one. */
  readonly status: Promise<number>;
  /** Breaks the connection off. */
  readonly abort: () => void;
}

/** A request on a connection of its own, with exactly these bytes as its body. */
export function sendRaw(url: string, path: string, key: string, body: string): RawRequest {
  const { hostname, port } = new URL(url);
  const socket: Socket = connect(Number(port), hostname);
  socket.write(
    [
      `POST ${path} HTTP/1.1`,
      `Host: ${hostname}`,
      `Authorization: ApiKey ${key}`,
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  );
  const status = new Promise<number>((resolve, reject) => {
    socket.on('data', (data) => {
      const code = /^HTTP\/1\.1 (\d{3})/.exec(data.toString())?.[1];
      if (code !== undefined) resolve(Number(code));
      socket.end();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      reject(new Error('The connection ended without an answer.'));
    });
  });
  // Who aborts does not look at it.
  status.catch(() => undefined);
  return { status, abort: () => void socket.destroy() };
}
