import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { unavailable } from '../common/errors.js';
import { formatUuid, uuid7 } from '../common/uuid7.js';
import { webhookIdentity } from '../ingestion/event-identity.js';
import { COMPLIANCE_V1 } from '../transport/event-batch.js';
import { EventTransport, TransportUnavailableError } from '../transport/event-transport.js';
import { ANSWER_AFTER_MS, encodeComplianceOrder } from '../warehouse/compliance.store.js';
import type { RedactionScope } from '../warehouse/redactor.js';
import type { ComplianceRequest } from './compliance.js';

const RETRY_AFTER_SECONDS = 1;

/** Queues requests about personal data for the workers, which carry them out and record them. */
@Injectable()
export class ComplianceService {
  constructor(private readonly transport: EventTransport) {}

  /**
   * Returns when the request is on disk, and not before {@link ANSWER_AFTER_MS}.
   * @param scope what to remove; undefined to record the request only
   * @throws ApiError 503 when it cannot be queued
   */
  async accept(
    tenantId: string,
    request: ComplianceRequest,
    deliveryKey: string,
    scope: RedactionScope | undefined,
  ): Promise<void> {
    const order = {
      tenantId,
      id: formatUuid(webhookIdentity(tenantId, deliveryKey)),
      topic: request.topic,
      receivedAt: Date.now(),
      scope,
    };
    try {
      await this.transport.publish({ id: uuid7(), type: COMPLIANCE_V1, events: 1, rows: encodeComplianceOrder(order) });
    } catch (error) {
      throw error instanceof TransportUnavailableError
        ? unavailable('The request cannot be queued at the moment. Send it again.', RETRY_AFTER_SECONDS)
        : error;
    }
    if (scope !== undefined) await sleep(ANSWER_AFTER_MS);
  }
}
