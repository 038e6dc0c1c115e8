import { RedisProxy } from '../../test/support/redis.proxy.js';
import { freshRedisPrefix, sharedRedisUrl } from '../../test/support/servers.js';
import { waitUntil } from '../../test/support/wait-until.js';
import { failFastConnection } from './redis.connections.js';

describe('failFastConnection', () => {
  it('should not end the connection that follows one which was cut before its answer', async () => {
    const proxy = await RedisProxy.start(Number(new URL(sharedRedisUrl()).port));
    const redis = failFastConnection({ redisUrl: proxy.url, prefix: freshRedisPrefix() }, undefined);
    // What ends a connection without an answer. A test that waits for it would take its five seconds.
    const watch = () => (redis as unknown as { socketTimeoutTimer: NodeJS.Timeout | undefined }).socketTimeoutTimer;
    try {
      await waitUntil(() => redis.status === 'ready');
      proxy.loseAnswersTo('unanswered');
      const answer = redis.echo('unanswered').catch(() => 'none');
      await waitUntil(() => proxy.hasLostAnswers);
      expect(watch()).toBeDefined();
      proxy.cut();
      expect(await answer).toBe('none');
      await waitUntil(() => redis.status === 'ready');
      expect(watch()).toBeUndefined();

      // The new connection is watched too.
      const another = redis.echo('unanswered').catch(() => 'none');
      expect(watch()).toBeDefined();
      proxy.cut();
      expect(await another).toBe('none');
    } finally {
      redis.disconnect();
      await proxy.stop();
    }
  });
});
