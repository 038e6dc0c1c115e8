import { Injectable } from '@nestjs/common';
import { unavailable } from '../common/errors.js';
import { formatUuid, uuid7 } from '../common/uuid7.js';
import { webhookIdentity } from '../ingestion/event-identity.js';
import { COMPLIANCE_V1 } from '../transport/batch-types.js';
import { EventTransport, TransportUnavailableError } from '../transport/event-transport.js';
import { encodeComplianceOrder } from '../warehouse/compliance.order.js';
import type { RedactionScope } from '../warehouse/redactor.js';
import type { ComplianceRequest } from './compliance.js';

const RETRY_AFTER_SECONDS = 1;

/** Hands requests about personal data to the workers, which carry them out and keep a record. */
@Injectable()
export class ComplianceService {
  constructor(private readonly transport: EventTransport) {}

  /**
   * Returns when the request is on disk.
   * @throws ApiError 503 when it cannot be queued
   */
  async accept(tenantId: string, request: ComplianceRequest, deliveryKey: string): Promise<void> {
    const order = {
      tenantId,
      id: formatUuid(webhookIdentity(tenantId, deliveryKey)),
      topic: request.topic,
      receivedAt: Date.now(),
      scope: scopeOf(request),
    };
    try {
      await this.transport.publish({ id: uuid7(), type: COMPLIANCE_V1, events: 1, rows: encodeComplianceOrder(order) });
    } catch (error) {
      throw error instanceof TransportUnavailableError
        ? unavailable('The request cannot be queued at the moment. Send it again.', RETRY_AFTER_SECONDS)
        : error;
    }
  }
}

/** @returns undefined when there is nothing to remove: the merchant answers a data request from what it can query */
function scopeOf({ topic, userIds, orderIds }: ComplianceRequest): RedactionScope | undefined {
  switch (topic) {
    case 'customers/data_request':
      return undefined;
    case 'customers/redact':
      return { kind: 'users', userIds, orderIds };
    case 'shop/redact':
      return { kind: 'shop' };
    default:
      return topic satisfies never;
  }
}
