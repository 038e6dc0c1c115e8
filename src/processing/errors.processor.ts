import { Controller, Injectable, Logger } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { type Delivery, ERRORS_V1 } from '../transport/event-batch.js';
import { type BatchOutcome, STORED } from '../transport/event-transport.js';
import { ErrorWriter } from '../warehouse/error.writer.js';
import { BatchRefusedError } from '../warehouse/warehouse.errors.js';
import { BatchStorage } from './batch.storage.js';

/**
 * Where a worker stores recorded errors. One batch at most waits for its table and tries again: were they to fill the
 * worker's hands, a fault of this table alone would hold up the events.
 */
@Injectable()
export class ErrorStorage extends BatchStorage {
  constructor(writer: ErrorWriter) {
    super(writer, { what: 'Recorded errors', maxWaiting: 1 });
  }
}

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
