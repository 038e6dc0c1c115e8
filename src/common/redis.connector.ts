import { createConnection, type NetConnectOpts, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AbstractConnector, type RedisOptions } from 'ioredis';
import type { RedisCluster } from './redis.cluster.js';

/** What an option of ioredis is called that decides where a connection leads. */
type Connector = NonNullable<RedisOptions['Connector']>;
type ReportError = (type: string, error: Error) => void;

/**
 * Leads each connection, also one that was lost and is made again, to a Redis that can be written: one that turns out to be a
 * replica is left and looked for anew. In a cluster it asks for the node that owns the slot at that moment. So the cluster is
 * used as a single Redis is, with all that holds for one: commands in their order, messages, scripts, signs of life. What a
 * client of the whole cluster could do more, such as using other slots, is of no use to keys that are in one.
 * @param cluster left out for a single Redis, which is where the connection's options say
 */
export function primaryConnector(cluster?: RedisCluster): Connector {
  return class extends AbstractConnector {
    private readonly options: RedisOptions;
    private reportError: ReportError = () => undefined;
    private left: unknown;

    constructor(options: unknown) {
      const { disconnectTimeout = 0 } = options as { disconnectTimeout?: number };
      super(disconnectTimeout);
      this.options = options as RedisOptions;
    }

    async connect(reportError: ReportError): Promise<Socket> {
      this.connecting = true;
      this.reportError = reportError;
      let stream: Socket;
      try {
        stream = this.open(await this.place());
      } catch (error) {
        // ioredis would take a rejection for the end; a stream that is closed already makes it try again.
        if (this.isWanted()) this.firstError = error as Error;
        stream = new Socket().destroy();
      }
      this.stream = stream;
      return stream;
    }

    /**
     * Asked by ioredis before it calls a connection ready.
     * @param info what `INFO` tells; without a role where the operator forbids it
     */
    override check({ role }: { role?: string }): boolean {
      const isPrimary = role !== 'slave';
      if (!isPrimary) this.reportError('error', new Error('it is a replica, which takes no writes'));
      return isPrimary;
    }

    /** Once of each stream: every answer of a burst asks for it, and would leave a timer and a listener. */
    override disconnect(): void {
      this.connecting = false;
      if (this.left === this.stream) return;
      this.left = this.stream;
      super.disconnect();
    }

    private async place(): Promise<NetConnectOpts> {
      if (cluster === undefined) {
        const { host = 'localhost', port = 6379, family } = this.options;
        return { host, port, ...(family === undefined ? {} : { family }) };
      }
      const [owner] = await cluster.holdersOfSlot();
      const { hostname, port } = new URL(owner);
      return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) };
    }

    /** Asked anew: while the owner was looked for it may have changed, which the compiler does not consider. */
    private isWanted(): boolean {
      return this.connecting;
    }

    private open(to: NetConnectOpts): Socket {
      if (!this.isWanted()) throw new Error('Connection is closed.');
      // Of the URL rediss:// ioredis makes a `true`.
      const tls = this.options.tls as RedisOptions['tls'] | true;
      const stream = tls ? connectTls({ ...to, ...(tls === true ? {} : tls) }) : createConnection(to);
      return stream.once('error', (error: Error) => {
        this.firstError = error;
      });
    }
  };
}
