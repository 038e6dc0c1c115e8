import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { uuid7Time } from '../common/uuid7.js';
import { COMPLIANCE_V1, type Delivery, EVENTS_V1 } from '../transport/event-batch.js';
import { type BatchOutcome, EventTransport, STORED } from '../transport/event-transport.js';
import type { StorableBatch } from '../warehouse/batch.writer.js';
import { ComplianceStore, decodeComplianceOrder } from '../warehouse/compliance.store.js';
import { EventWriter } from '../warehouse/event.writer.js';
import { BatchStorage, DeliverLaterError } from './batch.storage.js';

/** More than may be kept of all tenants. */
const ALL_DEAD_LETTERS = 1_000_000;

/** Carries out requests about personal data. */
@Controller()
export class ComplianceProcessor {
  private readonly storage: BatchStorage;

  constructor(
    private readonly store: ComplianceStore,
    private readonly transport: EventTransport,
    private readonly events: EventWriter,
  ) {
    const destination = { store: (batch: StorableBatch) => this.erase(batch) };
    this.storage = new BatchStorage(destination, { what: 'Requests about personal data', maxWaiting: 1 });
  }

  /**
   * Returns when the request is carried out and on record.
   * @throws Error when it is to be delivered again later
   */
  @EventPattern(COMPLIANCE_V1)
  async carryOut(@Payload() { batch }: Delivery): Promise<BatchOutcome> {
    await this.storage.store(batch);
    return STORED;
  }

  /** See {@link BatchStorage.stopWaiting}. */
  stopWaiting(insertsWithinMs: number): void {
    this.storage.stopWaiting(insertsWithinMs);
  }

  /**
   * What was accepted before the request is not stored any more from `suppress` on, so nothing that follows can be overtaken. That
   * it leaves the queue and the dead letters before the record says so is for the sake of what they hold. It does not wait here,
   * where it would take a place that the others need.
   */
  private async erase(batch: StorableBatch): Promise<void> {
    const order = decodeComplianceOrder(batch.rows);
    if (order.scope !== undefined) {
      const isDrained = await this.isDrainedTo(uuid7Time(batch.id));
      // Whom a shop's redaction concerns is told by the shop's events, which are stored first.
      if (isDrained || order.scope.kind === 'users') await this.store.suppress(order);
      if (!isDrained) throw new DeliverLaterError('Batches that were accepted before are still in the queue.');
      await this.clearDeadLetters(order.tenantId);
    }
    await this.store.store(batch);
  }

  private async isDrainedTo(time: number): Promise<boolean> {
    const { pending, oldestPendingAt = Infinity } = await this.transport.status();
    return pending !== undefined && oldestPendingAt >= time;
  }

  /** @throws DeliverLaterError when some hold others' events, too, and are on their way through the queue without the erased ones */
  private async clearDeadLetters(tenantId: string): Promise<void> {
    const { deadLetters } = this.transport;
    const erasedIn = await this.events.erasedNow();
    let replayed = 0;
    for (const { id, type } of await deadLetters.list({ tenantId, limit: ALL_DEAD_LETTERS })) {
      const letter = type === EVENTS_V1 ? await deadLetters.get(id) : undefined;
      if (letter === undefined) continue;
      const erased = erasedIn(letter.batch.rows);
      if (erased === 'all') await deadLetters.remove(id);
      if (erased === 'some' && (await deadLetters.replay(id))) replayed++;
    }
    if (replayed > 0) throw new DeliverLaterError('Dead letters with events to be erased were replayed.');
  }
}
