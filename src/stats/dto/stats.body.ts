import { ApiProperty } from '@nestjs/swagger';
import { COUNT, WHOLE_SECOND } from '../../common/api.properties.js';
import { STATS_WINDOWS, type StatsWindow } from '../stats-window.js';

class BucketBody {
  @ApiProperty(WHOLE_SECOND) readonly bucket!: string;
  @ApiProperty(COUNT) readonly event_count!: number;
  @ApiProperty(COUNT) readonly unique_users!: number;
}

class EventTypeBody {
  @ApiProperty() readonly event_type!: string;
  @ApiProperty(COUNT) readonly count!: number;
}

class LagBody {
  @ApiProperty(COUNT) readonly p50_ms!: number;
  @ApiProperty(COUNT) readonly p95_ms!: number;
  @ApiProperty(COUNT) readonly p99_ms!: number;
}

class QueueBody {
  @ApiProperty(COUNT) readonly waiting_batches!: number;
  @ApiProperty(COUNT) readonly oldest_batch_age_ms!: number;
}

/** The figures of a tenant. Those of the queue and of the way to the warehouse are of all tenants together. */
export class StatsBody {
  @ApiProperty({ enum: STATS_WINDOWS }) readonly window!: StatsWindow;
  @ApiProperty(COUNT) readonly total_events!: number;
  @ApiProperty(COUNT) readonly unique_users!: number;
  @ApiProperty({ type: [BucketBody] }) readonly timeseries!: readonly BucketBody[];
  @ApiProperty({ type: [EventTypeBody] }) readonly event_types!: readonly EventTypeBody[];
  @ApiProperty({ type: LagBody, nullable: true }) readonly ingestion_lag!: LagBody | null;
  @ApiProperty({ type: QueueBody, nullable: true }) readonly queue!: QueueBody | null;
  @ApiProperty({ ...COUNT, required: false }) readonly event_types_total?: number;
  @ApiProperty({ required: false }) readonly event_types_next?: string;
}
