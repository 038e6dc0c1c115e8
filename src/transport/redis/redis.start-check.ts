import { once } from 'node:events';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Redis } from 'ioredis';
import { withDeadline } from '../../common/deadline.js';
import { OperatorError } from '../../common/operator.error.js';
import { type RedisAccess, serversOf } from '../../common/redis.connections.js';
import { Configuration } from '../../config/configuration.js';
import { checkDurability, type RedisFinding } from './redis.durability.js';

const ANSWER_WITHIN_MS = 1_000;

/**
 * Keeps the service from starting on a Redis that would forget what it has accepted. One that is away, or still reads its
 * data, keeps nobody from starting: the transport judges it at each connection, and warns.
 */
@Injectable()
export class RedisStartCheck implements OnModuleInit {
  constructor(private readonly configuration: Configuration) {}

  /** @throws OperatorError that names the remedy */
  async onModuleInit(): Promise<void> {
    const { transport, redisUrl, queuePrefix, redisDurability } = this.configuration;
    // Beside Pub/Sub it keeps the dead letters.
    if (transport === 'spool') return;
    const findings = await this.findings({ redisUrl, prefix: queuePrefix });
    const unusable = findings.filter(({ gravity }) => gravity === 'unusable');
    if (unusable.length > 0) {
      throw new OperatorError(`Redis (REDIS_URL) cannot be used: ${listed(unusable)}`);
    }
    const lossy = findings.filter(({ gravity }) => gravity === 'lossy');
    if (lossy.length > 0 && redisDurability === 'required') {
      throw new OperatorError(
        `Redis (REDIS_URL) does not keep the promise that a 202 is on disk: ${listed(lossy)} ` +
          'With REDIS_DURABILITY=warn the service starts all the same, and may lose accepted events.',
      );
    }
  }

  /** Of a cluster, those of every node that has the queue or would have it after a failover. */
  private async findings(access: RedisAccess): Promise<RedisFinding[]> {
    const servers = await serversOf(access).catch(() => []);
    const findings = await Promise.all(servers.map((redisUrl) => this.findingsOf(redisUrl)));
    return findings.flat().filter(({ text }, at, all) => all.findIndex((other) => other.text === text) === at);
  }

  private async findingsOf(redisUrl: string): Promise<RedisFinding[]> {
    // Not one for writing: of a cluster the replicas are asked too.
    const redis = new Redis(redisUrl, { retryStrategy: () => null, connectTimeout: ANSWER_WITHIN_MS });
    redis.on('error', () => undefined);
    try {
      // Rejects on the first `error` event.
      const answer = once(redis, 'ready').then(() => checkDurability(redis));
      return await withDeadline(answer, ANSWER_WITHIN_MS, () => new Error('no answer'));
    } catch {
      return [];
    } finally {
      redis.disconnect();
    }
  }
}

function listed(findings: readonly RedisFinding[]): string {
  return findings.map(({ text }) => text).join(' Also, ');
}
