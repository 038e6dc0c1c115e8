import { ClickHouseClient } from '@clickhouse/client';
import { Injectable } from '@nestjs/common';
import { unavailable } from '../common/errors.js';
import type { ErrorRow } from '../warehouse/error-row.js';
import { recentErrors } from '../warehouse/queries/recent-errors.query.js';
import { Warehouse } from '../warehouse/warehouse.js';

const RETRY_AFTER_SECONDS = 5;

/** Reads recorded errors. */
@Injectable()
export class ErrorsService {
  constructor(
    private readonly client: ClickHouseClient,
    private readonly warehouse: Warehouse,
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
      throw unavailable('Errors cannot be read at the moment. Ask again.', RETRY_AFTER_SECONDS, reason);
    }
  }
}
