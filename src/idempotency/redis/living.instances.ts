import { randomBytes } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { Redis } from 'ioredis';

const NAME_PREFIX = 'segops-api:';
/** 8 random bytes in base64url. */
export const INSTANCE_CHARACTERS = 11;

/**
 * Equal requests that come all the time, to several instances, would ask for the list all the time. SDKs wait half a
 * second before they retry.
 */
const LIST_HOLDS_FOR_MS = 200;

export function newInstanceId(): string {
  return randomBytes(8).toString('base64url');
}

/** What Redis calls the connection of an instance. */
export function connectionNameOf(instanceId: string): string {
  return NAME_PREFIX + instanceId;
}

/**
 * Knows which instances have ended: the operating system closes the connection of a process that dies, at once, and Redis
 * lists the connections that it has.
 */
export class LivingInstances {
  private readonly logger = new Logger('Idempotency');
  private names = '';
  private listedAt = -Infinity;
  private listed: { readonly at: number; readonly names: Promise<ReadonlySet<string>> } | undefined;
  private isForbidden = false;

  constructor(
    private readonly redis: Redis,
    private readonly me: string,
  ) {}

  /** @returns those of the instances that have ended; none where Redis does not tell */
  async endedOf(instances: readonly string[]): Promise<string[]> {
    const living = await this.living();
    // Where our own connection is nameless, or behind something that shows only some, absence proves nothing.
    return living.has(this.me) ? instances.filter((instance) => !living.has(instance)) : [];
  }

  /** Those that lived a moment ago, one after the other. */
  get lately(): string {
    return performance.now() - this.listedAt > LIST_HOLDS_FOR_MS ? '' : this.names;
  }

  private living(): Promise<ReadonlySet<string>> {
    const now = performance.now();
    if (this.listed === undefined || now - this.listed.at > LIST_HOLDS_FOR_MS) {
      this.listed = { at: now, names: this.list() };
    }
    return this.listed.names;
  }

  private async list(): Promise<ReadonlySet<string>> {
    if (this.isForbidden) {
      return new Set();
    }
    try {
      const list = String(await this.redis.client('LIST'));
      const names = new Set([...list.matchAll(/ name=segops-api:(\S+)/g)].map(([, name = '']) => name));
      this.names = [...names].join('');
      this.listedAt = performance.now();
      return names;
    } catch (error) {
      if (!String(error).includes('NOPERM') && !String(error).includes('unknown command')) throw error;
      this.isForbidden = true;
      this.logger.warn(
        'Redis does not tell which clients it has. A request that one instance dies over, and that is repeated to another, may be stored twice. Allow CLIENT LIST.',
      );
      return new Set();
    }
  }
}
