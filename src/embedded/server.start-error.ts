/** A server that did not start. The message says what to do and quotes what the server printed last. */
export class ServerStartError extends Error {
  override readonly name = 'ServerStartError';

  constructor(
    server: string,
    readonly reason: string,
    lastLines = '',
  ) {
    super(`${server} did not start: ${reason}${lastLines === '' ? '' : `\nIts last lines:\n${lastLines}`}`);
  }
}
