import type { Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { withDeadline } from '../common/deadline.js';

const LOOK_EVERY_MS = 50;
/** Whoever opens a connection to ask something has asked by then. Load balancers also open some in advance. */
const UNUSED_AFTER_MS = 500;

/**
 * Takes leave of HTTP clients without breaking a request. Node alone leaves two kinds of connection open for as long as the
 * client likes: one whose request was in flight, which is kept alive after its answer, and one on which nothing was asked yet.
 */
export class ConnectionDrain {
  private readonly logger = new Logger(ConnectionDrain.name);
  /** When each was opened. */
  private readonly connections = new Map<Socket, number>();
  private isLeaving = false;

  /** Made before the server listens. */
  constructor(private readonly adapter: FastifyAdapter) {
    const fastify = adapter.getInstance();
    fastify.server.on('connection', (socket: Socket) => {
      this.connections.set(socket, Date.now());
      socket.once('close', () => this.connections.delete(socket));
    });
    fastify.addHook('onSend', (_request, reply, payload, done) => {
      if (this.isLeaving) void reply.header('connection', 'close');
      done(null, payload);
    });
  }

  /** From now on every answer, also to requests in flight, closes its connection; new connections are taken as before. */
  begin(): void {
    this.isLeaving = true;
  }

  /**
   * Refuses new connections and answers every request in flight. Idle connections are closed. A request that has not arrived
   * completely, or whose answer is not read, after `withinMs` is cut off.
   */
  async close(withinMs: number): Promise<void> {
    this.begin();
    const closed = this.adapter.close();
    const look = setInterval(() => {
      this.closeUnused();
    }, LOOK_EVERY_MS);
    try {
      await withDeadline(closed, withinMs, () => new Error('timeout')).catch(() => {
        this.logger.warn(`Cutting off clients that have not sent or read everything: ${this.connections.size}.`);
        for (const socket of this.connections.keys()) socket.destroy();
      });
      await closed;
    } finally {
      clearInterval(look);
    }
  }

  private closeUnused(): void {
    this.adapter.getInstance().server.closeIdleConnections();
    for (const [socket, openedAt] of this.connections) {
      if (socket.bytesRead === 0 && Date.now() - openedAt > UNUSED_AFTER_MS) socket.destroy();
    }
  }
}
