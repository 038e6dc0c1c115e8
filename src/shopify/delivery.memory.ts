import { Injectable } from '@nestjs/common';
import type { MemoryKey } from '../idempotency/idempotency.store.js';
import { StoreAccess } from '../idempotency/store.access.js';

/**
 * Remembers which deliveries were stored, on every instance and across restarts, so that a repetition does not even reach
 * the queue. Noted only after a delivery is durable: a process that dies in between forgets, and the warehouse, where both
 * copies have the same id, keeps one of them.
 */
@Injectable()
export class DeliveryMemory {
  constructor(private readonly access: StoreAccess) {}

  /** Whether the delivery is known to be stored; `false` when the store cannot tell within 100 ms. */
  async has(tenantId: string, deliveryKey: string): Promise<boolean> {
    const answer = await this.access.ask((store) => store.recall(keyOf(tenantId, deliveryKey)));
    return answer?.value !== undefined;
  }

  /** Never fails: what is not remembered is recognised by its id in the warehouse. */
  async remember(tenantId: string, deliveryKey: string): Promise<void> {
    await this.access.remember(keyOf(tenantId, deliveryKey), '1');
  }
}

function keyOf(tenantId: string, deliveryKey: string): MemoryKey {
  return { space: 'deliveries', tenantId, key: deliveryKey };
}
