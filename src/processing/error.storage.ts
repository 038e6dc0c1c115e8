import { Injectable } from '@nestjs/common';
import { ErrorWriter } from '../warehouse/error.writer.js';
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
