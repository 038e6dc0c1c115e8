import { MetricsServer } from '../../src/metrics/metrics.server.js';
import type { TestService } from './service.js';

/** What Prometheus would read now; the service needs `METRICS_PORT: '0'`. */
export async function scrape({ app }: Pick<TestService, 'app'>): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${String(app.get(MetricsServer).port)}/metrics`);
  return response.text();
}
