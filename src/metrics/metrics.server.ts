import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { describeError, errorCodeOf, OperatorError } from '../common/operator.error.js';
import { Configuration } from '../config/configuration.js';

/**
 * Serves `GET /metrics` on `METRICS_PORT`, in every role, from start to shutdown. It has its own server because metrics are not
 * public, and must be readable while the public one is busy.
 */
@Injectable()
export class MetricsServer implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(MetricsServer.name);
  private server: Server | undefined;

  constructor(
    private readonly registry: Registry,
    private readonly configuration: Configuration,
  ) {}

  /** Undefined while it does not listen. */
  get port(): number | undefined {
    return (this.server?.address() as AddressInfo | null | undefined)?.port;
  }

  /** @throws OperatorError when the port cannot be used */
  async onApplicationBootstrap(): Promise<void> {
    const { metricsPort, host } = this.configuration;
    if (metricsPort === undefined) return;
    const server = createServer((request, response) => void this.answer(request, response));
    server.listen(metricsPort, host);
    try {
      await once(server, 'listening');
    } catch (error) {
      throw new OperatorError(
        `Metrics cannot be served on port ${metricsPort} (${errorCodeOf(error) ?? String(error)}). Set METRICS_PORT and HOST to a free address.`,
      );
    }
    this.server = server;
    // Node's own metrics have observers that never stop, so they exist only where they are served.
    collectDefaultMetrics({ register: this.registry });
  }

  async onApplicationShutdown(): Promise<void> {
    const { server } = this;
    if (server === undefined) return;
    this.server = undefined;
    const closed = once(server, 'close');
    server.close();
    // Prometheus keeps its connection open between scrapes.
    server.closeAllConnections();
    await closed;
  }

  private async answer({ method, url }: IncomingMessage, response: ServerResponse): Promise<void> {
    if (url?.split('?', 1)[0] !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    if (method !== 'GET' && method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return;
    }
    try {
      const metrics = await this.registry.metrics();
      response.writeHead(200, { 'content-type': this.registry.contentType }).end(metrics);
    } catch (error) {
      this.logger.error({ message: 'Metrics cannot be read', error: describeError(error) });
      response.writeHead(500).end();
    }
  }
}
