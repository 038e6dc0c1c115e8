import { get } from 'node:http';
import { join } from 'node:path';

import { EmbeddedServer, type ServerOptions, type ServerRecipe } from './embedded.server.js';

const RECIPE: ServerRecipe = {
  name: 'ClickHouse',
  command: (dataDir, port) => ({
    command: process.execPath,
    args: [join(__dirname, 'clickhouse.child.cjs'), dataDir, String(port)],
  }),
  answers: selectsOne,
  remedies: [
    {
      printed: /Cannot find module '(chdb|ffi-rs)/,
      remedy: 'the packages chdb and ffi-rs are missing. Run `npm install` without --omit=dev, or set CLICKHOUSE_URL.',
    },
    {
      printed: /ChdbPlatformUnsupported|@chdb\/lib-|ffi-rs-|@yuuang/,
      remedy:
        `there is no embedded ClickHouse for ${process.platform}-${process.arch}, or npm skipped optional packages. ` +
        'Run `npm install` without --omit=optional, or set CLICKHOUSE_URL to a server of your own.',
    },
    {
      printed: /Another server instance in same directory/,
      remedy: 'its data folder is in use by another process. Stop that one, or choose another folder (DATA_DIR).',
    },
  ],
  stopBy: 'end of input',
  // It waits 5 s for clients that keep an idle connection open; without any it ends within 50 ms.
  stopTimeoutMs: 15_000,
};

interface ClickHouseServerOptions extends ServerOptions {
  /** More of its configuration, in XML. With a `tcp_port` it listens there too. */
  readonly config?: string;
}

/**
 * A ClickHouse with its HTTP interface on 127.0.0.1, from npm's `chdb`, with the user `default` without a password. Committed
 * data survives `stop()` and `kill()`.
 */
export class ClickHouseServer extends EmbeddedServer {
  readonly url = `http://127.0.0.1:${this.port}`;

  /** Resolves when it answers. @throws ServerStartError that names the remedy */
  static async start({ config = '', ...options }: ClickHouseServerOptions): Promise<ClickHouseServer> {
    const { process, port } = await this.launch(RECIPE, options, [config]);
    return new ClickHouseServer(RECIPE, process, port);
  }
}

function selectsOne(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    // Without an agent the connection closes at once: a kept one would delay the server's stop.
    const request = get(`http://127.0.0.1:${port}/?query=SELECT+1`, { agent: false, timeout: 5000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.once('timeout', () => request.destroy());
    request.once('error', () => resolve(false));
  });
}
