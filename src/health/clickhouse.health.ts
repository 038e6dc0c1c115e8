import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { Warehouse } from '../warehouse/warehouse.js';

const DEADLINE_MS = 2_000;

/** Whether ClickHouse answers and has our tables. */
@Injectable()
export class ClickHouseHealth {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly warehouse: Warehouse,
  ) {}

  async check(): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check('clickhouse');
    return (await this.warehouse.ping(DEADLINE_MS)) ? indicator.up() : indicator.down('down');
  }
}
