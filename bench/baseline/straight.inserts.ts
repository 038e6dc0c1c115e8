import { randomFillSync } from 'node:crypto';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { formatUuid } from '../../src/common/uuid7.js';
import { createClickHouseClient } from '../../src/warehouse/clickhouse.client.js';
import { EVENT_COLUMNS } from '../../src/warehouse/event-row.encoder.js';
import { Migrator } from '../../src/warehouse/migrator.js';
import { eventOf } from '../load/event.bodies.js';

const ROWS_A_REQUEST = 50_000;
/** While ClickHouse reads one request, the client writes the next. */
const IN_FLIGHT = 2;
const DATABASE = 'baseline';

/**
 * Inserts so many rows of the load's events as anybody would who has nothing but `@clickhouse/client`: objects, by
 * `client.insert`, into tables that are the service's own but empty, which are removed afterwards.
 * @returns rows a second, from the first to the last commit
 */
export async function insertStraight(clickhouseUrl: string, events: number): Promise<number> {
  const url = `${clickhouseUrl}/${DATABASE}`;
  const migrating = createClickHouseClient(url, 1);
  await new Migrator(migrating, url).migrate();
  await migrating.close();
  const client = createClient({
    url,
    max_open_connections: IN_FLIGHT,
    request_timeout: 120_000,
    // It warns that long requests may be cut off by load balancers; there are none here.
    log: { level: ClickHouseLogLevel.OFF },
  });
  try {
    const requests = Math.ceil(events / ROWS_A_REQUEST);
    // Made beforehand, as the load's bodies are. Only ids change from one request to the next.
    const rows = Array.from({ length: IN_FLIGHT }, () => Array.from({ length: ROWS_A_REQUEST }, (_, i) => rowOf(i)));
    let next = 0;
    const startedAt = performance.now();
    await Promise.all(
      rows.map(async (values) => {
        while (next++ < requests) {
          renew(values);
          await client.insert({ table: 'events', columns: [...COLUMNS], values, format: 'JSONEachRow' });
        }
      }),
    );
    const seconds = (performance.now() - startedAt) / 1_000;
    await client.command({ query: `DROP DATABASE ${DATABASE} SYNC` });
    return (requests * ROWS_A_REQUEST) / seconds;
  } finally {
    await client.close();
  }
}

const COLUMNS = EVENT_COLUMNS as unknown as [string, ...string[]];

function rowOf(n: number) {
  const { user_id, event_type, occurred_at, payload } = eventOf(n);
  const time = occurred_at.replace('T', ' ').replace('Z', '');
  return {
    tenant_id: 'acme',
    event_type,
    user_id,
    id: '',
    occurred_at: time,
    received_at: time,
    anonymous_id: '',
    event_id: '',
    payload: JSON.stringify(payload),
  };
}

function renew(rows: { id: string }[]): void {
  const random = randomFillSync(new Uint8Array(16 * rows.length));
  rows.forEach((row, i) => {
    row.id = formatUuid(random.subarray(i * 16, i * 16 + 16));
  });
}
