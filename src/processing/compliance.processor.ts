import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { COMPLIANCE_V1 } from '../transport/batch-types.js';
import type { EventBatch } from '../transport/event-batch.js';
import type { BatchOutcome } from '../transport/event-transport.js';
import { ComplianceStore } from '../warehouse/compliance.store.js';
import { BatchStorage } from './batch.storage.js';

/** Carries out requests about personal data. */
@Controller()
export class ComplianceProcessor {
  private readonly storage: BatchStorage;

  constructor(store: ComplianceStore) {
    this.storage = new BatchStorage(store, { what: 'Requests about personal data', maxWaiting: 1 });
  }

  /**
   * Returns when the request is carried out and on record.
   * @throws Error when it is to be delivered again later
   */
  @EventPattern(COMPLIANCE_V1)
  async carryOut(@Payload() batch: EventBatch): Promise<BatchOutcome> {
    await this.storage.store(batch);
    return { kind: 'stored' };
  }

  /** See {@link BatchStorage.stopWaiting}. */
  stopWaiting(insertsWithinMs: number): void {
    this.storage.stopWaiting(insertsWithinMs);
  }
}
