import { ClickHouseClient } from '@clickhouse/client';
import { Injectable } from '@nestjs/common';
import { noSuch, unavailable } from '../common/errors.js';
import { EventTransport, TransportUnavailableError } from '../transport/event-transport.js';
import type { ErrorRow } from '../warehouse/error.writer.js';
import { recentErrors } from '../warehouse/queries/recent-errors.query.js';
import { Warehouse } from '../warehouse/warehouse.js';

const CLICKHOUSE_RETRY_AFTER_SECONDS = 5;
const QUEUE_RETRY_AFTER_SECONDS = 1;

/** What a tenant may ask of its errors: to read them, and to try its dead letters once more. */
@Injectable()
export class ErrorsService {
  constructor(
    private readonly client: ClickHouseClient,
    private readonly warehouse: Warehouse,
    private readonly transport: EventTransport,
  ) {}

  /**
   * The tenant's latest errors, newest first.
   * @throws ApiError 503 when ClickHouse does not answer
   */
  async recent(tenantId: string, limit: number): Promise<ErrorRow[]> {
    try {
      return await recentErrors(this.client, tenantId, limit, this.warehouse.signalOfAbsence());
    } catch (error) {
      // Only the name: ClickHouse quotes the statement in its messages.
      const reason = `Errors could not be read. ${error instanceof Error ? error.name : 'unknown error'}`;
      throw unavailable('Errors cannot be read at the moment. Ask again.', CLICKHOUSE_RETRY_AFTER_SECONDS, reason);
    }
  }

  /**
   * Returns when the events of the dead letter are in the queue again.
   * @throws ApiError 404 when the tenant has no such dead letter, 503 when the queue cannot be asked
   */
  async replay(tenantId: string, id: string): Promise<void> {
    if (!(await this.tryReplay(tenantId, id))) {
      throw noSuch('There is no dead letter with this id. It may have been stored by an earlier replay.');
    }
  }

  private async tryReplay(tenantId: string, id: string): Promise<boolean> {
    const { deadLetters } = this.transport;
    try {
      const letter = await deadLetters.get(id);
      return letter?.tenantId === tenantId && (await deadLetters.replay(id));
    } catch (error) {
      throw error instanceof TransportUnavailableError
        ? unavailable('Dead letters cannot be replayed at the moment. Ask again.', QUEUE_RETRY_AFTER_SECONDS)
        : error;
    }
  }
}
