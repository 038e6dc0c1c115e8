import { createConnection, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AbstractConnector, type RedisOptions } from 'ioredis';
import type { RedisCluster } from './redis.cluster.js';

/** What an option of ioredis is called that decides where a connection leads. */
type Connector = NonNullable<RedisOptions['Connector']>;

/**
 * Leads each connection, also one that was lost and is made again, to the node that owns the slot at that moment. So it is
 * used as that of a single Redis, with all that holds for one: commands in their order, messages, scripts, signs of life. What
 * a client of the whole cluster could do more, such as using other slots, is of no use to keys that are in one.
 */
export function connectorTo(cluster: RedisCluster): Connector {
  return class extends AbstractConnector {
    private readonly tls: RedisOptions['tls'] | boolean;

    constructor(options: unknown) {
      const { disconnectTimeout = 0, tls } = options as RedisOptions & { disconnectTimeout?: number };
      super(disconnectTimeout);
      this.tls = tls;
    }

    async connect(): Promise<Socket> {
      this.connecting = true;
      let stream: Socket;
      try {
        const [owner] = await cluster.holdersOfSlot();
        stream = this.open(new URL(owner));
      } catch (error) {
        // ioredis would take a rejection for the end; a stream that is closed already makes it try again.
        if (this.isWanted()) this.firstError = error as Error;
        stream = new Socket().destroy();
      }
      this.stream = stream;
      return stream;
    }

    /** Asked anew: while the owner was looked for it may have changed, which the compiler does not consider. */
    private isWanted(): boolean {
      return this.connecting;
    }

    private open({ hostname, port }: URL): Socket {
      if (!this.isWanted()) throw new Error('Connection is closed.');
      const to = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) };
      const stream = this.tls ? connectTls({ ...to, ...(this.tls === true ? {} : this.tls) }) : createConnection(to);
      return stream.once('error', (error: Error) => {
        this.firstError = error;
      });
    }
  };
}
