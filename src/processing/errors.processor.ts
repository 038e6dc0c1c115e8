import { Controller, Logger } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { ERRORS_V1 } from '../transport/batch-types.js';
import type { Delivery } from '../transport/event-batch.js';
import { type BatchOutcome, STORED } from '../transport/event-transport.js';
import { BatchRefusedError } from '../warehouse/batch-refused.error.js';
import { ErrorStorage } from './error.storage.js';

/** Stores batches of recorded errors, for operators to read. */
@Controller()
export class ErrorsProcessor {
  private readonly logger = new Logger(ErrorsProcessor.name);

  constructor(private readonly storage: ErrorStorage) {}

  /**
   * Returns when ClickHouse has committed the batch, or has refused it for good.
   * @throws Error when it is to be delivered again later
   */
  @EventPattern(ERRORS_V1)
  async store(@Payload() { batch }: Delivery): Promise<BatchOutcome> {
    try {
      await this.storage.store(batch);
      return STORED;
    } catch (error) {
      if (!(error instanceof BatchRefusedError)) {
        throw error;
      }
      this.logger.error(`Batch ${batch.id} of ${batch.events} errors goes to the dead letters. ${error.message}`);
      return { deadLetters: [{ batch, tenantId: undefined, reason: error.message }] };
    }
  }
}
