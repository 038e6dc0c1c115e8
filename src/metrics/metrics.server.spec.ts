import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import type { INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { ConfigModule, loadConfiguration } from '../config/load-configuration.js';
import { OperatorError } from '../common/operator.error.js';
import { LimiterMetrics } from './api.metrics.js';
import { MetricsServerModule } from './metrics-server.module.js';
import { MetricsServer } from './metrics.server.js';

describe('MetricsServer', () => {
  const running: INestApplicationContext[] = [];

  afterEach(async () => {
    await Promise.all(running.splice(0).map((app) => app.close()));
  });

  async function start(metricsPort?: number): Promise<INestApplicationContext> {
    const configuration = loadConfiguration({
      HOST: '127.0.0.1',
      REDIS_URL: 'redis://127.0.0.1:1',
      CLICKHOUSE_URL: 'http://127.0.0.1:1',
      METRICS_PORT: metricsPort === undefined ? '' : String(metricsPort),
    });
    const module = await Test.createTestingModule({
      imports: [ConfigModule.forRoot(configuration), MetricsServerModule],
    }).compile();
    running.push(module);
    return module.init();
  }

  const addressOf = (app: INestApplicationContext) => `http://127.0.0.1:${String(app.get(MetricsServer).port)}`;

  it('should serve what was counted, and the metrics of the process', async () => {
    const app = await start(0);
    app.get(LimiterMetrics).failed('login');
    app.get(LimiterMetrics).limited('events');
    const response = await fetch(`${addressOf(app)}/metrics`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const lines = (await response.text()).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'segops_limiter_failures_total{limiter="calls"} 0',
        'segops_limiter_failures_total{limiter="login"} 1',
        'segops_limited_requests_total{limiter="events"} 1',
        // No Redis runs at the address that this configuration names.
        'segops_queue_up 0',
        expect.stringMatching(/^process_resident_memory_bytes \d+$/),
        expect.stringMatching(/^nodejs_eventloop_lag_p99_seconds /),
      ]),
    );
  });

  it('should keep the counts of two applications in a process apart', async () => {
    const [one, other] = [await start(0), await start(0)];
    one.get(LimiterMetrics).limited('calls');
    const text = await (await fetch(`${addressOf(other)}/metrics`)).text();
    expect(text).toContain('segops_limited_requests_total{limiter="calls"} 0');
  });

  it('should answer 404 and 405 to other requests', async () => {
    const address = addressOf(await start(0));
    expect((await fetch(`${address}/`)).status).toBe(404);
    const post = await fetch(`${address}/metrics`, { method: 'POST' });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  it('should not listen, but count, when METRICS_PORT is not set', async () => {
    const app = await start();
    app.get(LimiterMetrics).failed('calls');
    expect(app.get(MetricsServer).port).toBeUndefined();
  });

  it('should end with the application, and not wait for Prometheus to hang up', async () => {
    const app = await start(0);
    const address = addressOf(app);
    // Keeps its connection open.
    await (await fetch(`${address}/metrics`)).text();
    await running.pop()?.close();
    await expect(fetch(`${address}/metrics`)).rejects.toThrow();
  });

  describe('when the port is in use', () => {
    let other: Server;

    beforeEach(async () => {
      other = createServer().listen(0, '127.0.0.1');
      await once(other, 'listening');
    });
    afterEach(() => {
      other.close();
    });

    it('should refuse to start, and name the setting', async () => {
      const { port } = other.address() as AddressInfo;
      const started = start(port);
      await expect(started).rejects.toThrow(OperatorError);
      await expect(started).rejects.toThrow(
        `Metrics cannot be served on port ${port} (EADDRINUSE). Set METRICS_PORT and HOST to a free address.`,
      );
    });
  });
});
