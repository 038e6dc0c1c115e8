import { type AddressInfo, createServer, type Server } from 'node:net';
import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { RedisProxy } from '../../test/support/redis.proxy.js';
import { freshRedisPrefix, sharedRedisUrl } from '../../test/support/servers.js';
import { waitUntil } from '../../test/support/wait-until.js';
import { AccompaniedRedis } from './accompanied.redis.js';
import { failFastConnection } from './redis.connections.js';

describe('AccompaniedRedis', () => {
  const connections: AccompaniedRedis[] = [];
  const connect = async (): Promise<AccompaniedRedis> => {
    const redis = failFastConnection({ redisUrl: sharedRedisUrl(), prefix: freshRedisPrefix() }, new Logger('Redis'));
    connections.push(redis);
    await waitUntil(() => redis.status === 'ready');
    return redis;
  };

  afterEach(() => {
    for (const redis of connections.splice(0)) redis.disconnect();
  });

  it('should carry out a companion before the next command of any of the connections', async () => {
    const [one, other] = [await connect(), await connect()];
    const list = freshRedisPrefix();
    one.accompanyNext((redis) => void redis.rpush(list, 'companion'));
    expect(await other.rpush(list, 'command')).toBe(2);
    expect(await one.lrange(list, 0, -1)).toEqual(['companion', 'command']);
    await one.del(list);
  });

  it('should send both in one message', async () => {
    const messages: string[] = [];
    const server: Server = createServer((socket) =>
      socket.on('data', (data) => {
        messages.push(data.toString());
        socket.write('+OK\r\n'.repeat(data.toString().split('\r\n*').length));
      }),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const redis = new AccompaniedRedis(`redis://127.0.0.1:${(server.address() as AddressInfo).port}`, {
      enableReadyCheck: false,
      disableClientInfo: true,
    });
    await waitUntil(() => redis.status === 'ready');
    redis.accompanyNext((one) => void one.pipeline().set('a', 1).set('b', 2).exec());
    await redis.set('c', 3);
    redis.disconnect();
    server.close();
    const message = messages.find((text) => text.includes('set'));
    expect(message?.match(/\$1\r\n([abc])/g)).toHaveLength(3);
  });

  it('should not end the connection that follows one which was cut before its answer', async () => {
    const proxy = await RedisProxy.start(Number(new URL(sharedRedisUrl()).port));
    const socketTimeout = 200;
    const redis = new AccompaniedRedis(proxy.url, { socketTimeout, retryStrategy: () => 1, maxRetriesPerRequest: 0 });
    connections.push(redis);
    await waitUntil(() => redis.status === 'ready');
    let closed = 0;
    redis.on('error', () => undefined);
    redis.on('close', () => closed++);
    proxy.loseAnswersTo('unanswered');
    const answer = redis.echo('unanswered').catch(() => 'none');
    await waitUntil(() => proxy.hasLostAnswers);
    proxy.cut();
    expect(await answer).toBe('none');
    await waitUntil(() => redis.status === 'ready');
    // As long as the first connection's watch would have lasted.
    await new Promise((resolve) => setTimeout(resolve, 2 * socketTimeout));
    expect(closed).toBe(1);

    // It is still watched itself.
    await expect(redis.echo('unanswered')).rejects.toThrow();
    expect(closed).toBe(2);
    await proxy.stop();
  });

  it('should send a companion by itself when no command comes', async () => {
    const one = await connect();
    const key = freshRedisPrefix();
    const asking = new Redis(sharedRedisUrl());
    one.accompanyNext((redis) => void redis.set(key, 1));
    await waitUntil(async () => (await asking.del(key)) === 1);
    asking.disconnect();
  });
});
