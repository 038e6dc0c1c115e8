import request from 'supertest';
import { queueUnderTest } from '../support/queue-under-test.js';
import { freshClickHouseDatabase, freshRedisPrefix } from '../support/servers.js';
import { startProcess } from '../support/service.process.js';
import { startService } from '../support/service.js';
import { waitUntil } from '../support/wait-until.js';

describe('the health of a service whose worker is killed', () => {
  it('should say so, and when there is another one', async () => {
    const prefix = freshRedisPrefix();
    const service = await startService({ ROLE: 'api', QUEUE_PREFIX: prefix });
    const workerState = async () => {
      const { body } = await request(service.url).get('/api/ingestion/health/');
      return (body as { worker: string }).worker;
    };
    const database = await freshClickHouseDatabase();
    const environment = {
      ROLE: 'worker',
      ...(await queueUnderTest({ QUEUE_PREFIX: prefix })),
      CLICKHOUSE_URL: database.url,
    };
    const worker = await startProcess(environment);
    await waitUntil(async () => (await workerState()) === 'ok', { timeoutMs: 20_000 });
    await worker.kill();
    await waitUntil(async () => (await workerState()) === 'down');
    const next = await startProcess(environment);
    await waitUntil(async () => (await workerState()) === 'ok', { timeoutMs: 20_000 });
    await next.stop();
    await service.stop();
    await database.drop();
  });
});
