import { Logger } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { NOTE_LIFE_MS } from '../idempotency.store.js';
import type { AttemptKeys } from './attempt.keys.js';
import { ADOPT } from './attempt.scripts.js';
import { type Instance, instancesIn } from './instance.js';

/** SDKs wait half a second before they retry. */
const LOOK_EVERY_MS = 200;
const SAY_HELLO_EVERY_MS = 60 * 60 * 1000;
const FORGET_AFTER_MS = 24 * 60 * 60 * 1000;

interface Scripts {
  segopsAdopt(...keysAndArgs: (string | number)[]): Promise<null>;
}

/**
 * Notices that an instance has ended: the operating system closes the connections of a process that dies, at once, and
 * Redis lists those that it has. What the instance was serving is then for others to take over.
 */
export class EndedInstances {
  private readonly logger = new Logger('Idempotency');
  private readonly redis: Redis & Scripts;
  private readonly timer: NodeJS.Timeout;
  private helloAt = -Infinity;
  private isForbidden = false;
  private isLooking = false;

  constructor(
    redis: Redis,
    private readonly keys: AttemptKeys,
    private readonly me: Instance,
  ) {
    redis.defineCommand('segopsAdopt', { lua: ADOPT, numberOfKeys: 3 });
    this.redis = redis as Redis & Scripts;
    // Whoever saw us without a connection has struck us off.
    redis.on('ready', () => {
      this.helloAt = -Infinity;
    });
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_MS).unref();
  }

  close(): void {
    clearInterval(this.timer);
  }

  /** Never rejects: a Redis that is away is asked again. */
  async look(): Promise<void> {
    if (this.isLooking || this.isForbidden || this.redis.status !== 'ready') {
      return;
    }
    this.isLooking = true;
    try {
      await this.sayHello();
      await this.adoptEnded();
    } catch (error) {
      this.onFailure(String(error));
    } finally {
      this.isLooking = false;
    }
  }

  private async sayHello(): Promise<void> {
    const now = Date.now();
    if (now - this.helloAt < SAY_HELLO_EVERY_MS) {
      return;
    }
    await this.redis.zadd(this.keys.instances, now, this.me.id);
    await this.redis.zremrangebyscore(this.keys.instances, '-inf', now - FORGET_AFTER_MS);
    this.helloAt = now;
  }

  private async adoptEnded(): Promise<void> {
    // In this order: who says hello in between is in the second answer only if it is in the first as well.
    const known = await this.redis.zrange(this.keys.instances, 0, -1);
    const living = instancesIn(String(await this.redis.client('LIST')));
    // Where our own connection is nameless, or behind something that shows only some, absence proves nothing.
    if (!living.has(this.me.id)) {
      return;
    }
    for (const id of known) if (!living.has(id)) await this.adopt(id);
  }

  private async adopt(id: string): Promise<void> {
    const { index, instances, broken, changes } = this.keys;
    await this.redis.segopsAdopt(this.keys.servingOf(id), index, instances, id, broken, NOTE_LIFE_MS, changes);
  }

  private onFailure(reason: string): void {
    if (!/NOPERM|unknown (sub)?command/i.test(reason)) return;
    this.isForbidden = true;
    this.logger.warn(
      'Redis does not tell which clients it has. A request that one instance dies over, and that is repeated to another, may be stored twice. Allow CLIENT LIST.',
    );
  }
}
