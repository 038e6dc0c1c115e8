import { Inject, Injectable, Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { Configuration } from '../config/configuration.js';
import { withDeadline } from '../common/deadline.js';

/** Shopify repeats a delivery for 4 hours; people who replay one by hand do so within days. */
const REMEMBERED_SECONDS = 8 * 24 * 60 * 60;
const DEADLINE_MS = 100;

/**
 * Remembers which deliveries were stored, on every instance and across restarts, so that a repetition does not even reach
 * the queue. Noted only after a delivery is durable: a process that dies in between forgets, and the warehouse, where both
 * copies have the same id, keeps one of them. Without Redis it remembers nothing.
 */
@Injectable()
export class DeliveryMemory {
  private readonly logger = new Logger(DeliveryMemory.name);

  constructor(
    @Inject(Redis) private readonly redis: Redis | null,
    private readonly configuration: Configuration,
  ) {}

  /** Whether the delivery is known to be stored; `false` when nobody can tell. */
  async has(tenantId: string, deliveryKey: string): Promise<boolean> {
    return (await this.ask(this.redis?.exists(this.keyOf(tenantId, deliveryKey)))) === 1;
  }

  /** Never fails: what is not remembered is recognised by its id in the warehouse. */
  async remember(tenantId: string, deliveryKey: string): Promise<void> {
    await this.ask(this.redis?.set(this.keyOf(tenantId, deliveryKey), 1, 'EX', REMEMBERED_SECONDS));
  }

  private async ask<T>(answer: Promise<T> | undefined): Promise<T | undefined> {
    if (answer === undefined) {
      return undefined;
    }
    try {
      return await withDeadline(answer, DEADLINE_MS, () => new Error(`no answer within ${DEADLINE_MS} ms`));
    } catch {
      this.logger.debug('Redis could not be asked for a delivery.');
      return undefined;
    }
  }

  private keyOf(tenantId: string, deliveryKey: string): string {
    return `${this.configuration.queuePrefix}:deliveries:${tenantId}:${deliveryKey}`;
  }
}
