import { connect } from 'node:net';

import { EmbeddedServer, type ServerOptions, type ServerRecipe } from './embedded.server.js';

const RECIPE: ServerRecipe = {
  name: 'Redis',
  command: (dataDir, port) => ({
    command: 'redis-server',
    args: [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', dataDir],
      // Durable means on disk before the answer. A snapshot beside the AOF would only cost a fork.
      ...['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''],
      // At its memory limit a queue must refuse jobs, not drop them.
      ...['--maxmemory-policy', 'noeviction'],
    ],
  }),
  answers: pongs,
  remedies: [
    {
      printed: /redis-server: (command )?not found/,
      remedy:
        'redis-server is not on the PATH. Install it (Debian, Ubuntu: apt-get install redis-server) or set REDIS_URL.',
    },
    {
      printed: /Can't open or create append-only|Permission denied|Can't chdir/,
      remedy: 'it cannot write to its data folder. Give this user the folder, or choose another one (DATA_DIR).',
    },
    {
      printed: /Bad file format reading the append only file/,
      remedy:
        'its append-only file is damaged. Repair it with redis-check-aof --fix, or choose another folder (DATA_DIR).',
    },
  ],
  stopBy: 'SIGTERM',
  stopTimeoutMs: 10_000,
};

interface RedisServerOptions extends ServerOptions {
  /** More arguments of its command line. */
  readonly args?: readonly string[];
}

/** A durable Redis on 127.0.0.1, from the `redis-server` on the PATH: acknowledged writes survive `kill()`. */
export class RedisServer extends EmbeddedServer {
  readonly url = `redis://127.0.0.1:${this.port}`;

  /**
   * Resolves when it answers. The data folder must not be in use: Redis does not check.
   * @throws ServerStartError that names the remedy
   */
  static async start({ args = [], ...options }: RedisServerOptions): Promise<RedisServer> {
    const { process, port } = await this.launch(RECIPE, options, args);
    return new RedisServer(RECIPE, process, port);
  }
}

function pongs(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    // While it replays the AOF it answers -LOADING.
    socket.setTimeout(5000, () => settle(false));
    socket.once('data', (data) => settle(data.toString().startsWith('+PONG')));
    socket.once('error', () => settle(false));
  });
}
