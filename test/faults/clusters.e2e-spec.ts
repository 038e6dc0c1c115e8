import { TestClickHouseCluster } from '../support/clickhouse.cluster.js';
import { TestRedisCluster } from '../support/redis.cluster.js';
import { startService, type TestService, type TestTenant } from '../support/service.js';

describe('The service on a Redis Cluster and a ClickHouse cluster', () => {
  let redis: TestRedisCluster;
  let clickhouse: TestClickHouseCluster;
  let service: TestService;
  let tenant: TestTenant;

  beforeAll(async () => {
    [redis, clickhouse] = await Promise.all([TestRedisCluster.start({ replicas: 1 }), TestClickHouseCluster.start()]);
    service = await startService({
      REDIS_URL: redis.url,
      QUEUE_PREFIX: await redis.prefixOn(0),
      CLICKHOUSE_URL: clickhouse.url,
      CLICKHOUSE_CLUSTER: clickhouse.name,
    });
    tenant = await service.createTenant();
  });
  afterAll(async () => {
    await service.stop();
    await Promise.all([redis.stop(), clickhouse.stop()]);
  });

  const track = async (from: number, to: number): Promise<void> => {
    for (let number = from; number < to; number++) {
      const event = { user_id: `user-${number}`, event_type: 'page_viewed' };
      await tenant.post('/api/ingestion/track/', event, { 'idempotency-key': `key-${number}` }).expect(202);
    }
  };

  it('should store events, each once, and go on when the node with the queue dies', async () => {
    await track(0, 20);
    await track(0, 20);
    expect(await tenant.storedEvents(20)).toHaveLength(20);

    await redis.node(0).server.kill();
    await track(20, 40);
    const stored = await tenant.storedEvents(40, { timeoutMs: 40_000 });
    expect(stored.map(({ user_id }) => user_id).sort()).toEqual(
      Array.from({ length: 40 }, (_, number) => `user-${number}`).sort(),
    );
  });
});
