// What it would cost to keep properties in typed columns beside the text, and what the codecs of the text cost.
import type { ClickHouseClient } from '@clickhouse/client';
import { EVENT_COLUMNS } from '../../src/warehouse/event-row.encoder.js';
import type { Table } from '../figure.js';
import { select } from './dataset.js';
import { best, elapsed, rowsOf } from './measure.js';

const ROWS = 500_000;
const COLUMNS = EVENT_COLUMNS.join(', ');
const VARIANTS: readonly (readonly [name: string, codec: string, extra: string, price: string])[] = [
  ['String, ZSTD(1)', 'ZSTD(1)', '', "JSONExtractFloat(payload, 'price')"],
  ['String, ZSTD(3)', 'ZSTD(3)', '', "JSONExtractFloat(payload, 'price')"],
  ['String, LZ4', 'LZ4', '', "JSONExtractFloat(payload, 'price')"],
  [
    '+ Map of numbers',
    'ZSTD(1)',
    "numbers Map(LowCardinality(String), Float64) MATERIALIZED JSONExtractKeysAndValues(payload, 'Float64')",
    "numbers['price']",
  ],
  [
    '+ Maps of numbers and strings',
    'ZSTD(1)',
    `numbers Map(LowCardinality(String), Float64) MATERIALIZED JSONExtractKeysAndValues(payload, 'Float64'),
     strings Map(LowCardinality(String), String) MATERIALIZED JSONExtractKeysAndValues(payload, 'String')`,
    "numbers['price']",
  ],
  ['+ JSON', 'ZSTD(1)', 'document JSON MATERIALIZED payload::JSON', 'document.price::Float64'],
];

export async function measurePayload(client: ClickHouseClient): Promise<Table> {
  await client.command({ query: `CREATE TABLE payload_source ENGINE = Memory AS ${select(0, ROWS)}` });
  const rows: (string | number)[][] = [];
  for (const [i, [name, codec, extra, price]] of VARIANTS.entries()) {
    const variant = `payload_${i}`;
    await client.command({
      query: `
        CREATE TABLE ${variant} (
          tenant_id LowCardinality(String), event_type LowCardinality(String), user_id String CODEC(ZSTD(1)), id UUID CODEC(NONE),
          occurred_at DateTime64(3) CODEC(T64, ZSTD(1)), received_at DateTime64(6) CODEC(T64, ZSTD(1)),
          anonymous_id String CODEC(ZSTD(1)), event_id String CODEC(ZSTD(1)), payload String CODEC(${codec}) ${extra && `, ${extra}`}
        ) ENGINE = ReplacingMergeTree ORDER BY (tenant_id, event_type, user_id, id)`,
    });
    const insert = await elapsed(() =>
      client.command({
        query: `
          INSERT INTO ${variant} (${COLUMNS}) SELECT ${COLUMNS} FROM payload_source
          SETTINGS max_threads = 1, max_block_size = 50000, min_insert_block_size_rows = 50000, min_insert_block_size_bytes = 0`,
      }),
    );
    await client.command({ query: `OPTIMIZE TABLE ${variant} FINAL` });
    const [[bytes] = []] = await rowsOf(
      client,
      `SELECT sum(bytes_on_disk) FROM system.parts WHERE database = currentDatabase() AND table = '${variant}' AND active`,
    );
    const sum = await best(() =>
      rowsOf(
        client,
        `SELECT user_id, sum(${price}) AS total FROM ${variant} WHERE event_type = 'page_viewed' GROUP BY user_id HAVING total > 1e9`,
      ),
    );
    rows.push([
      name,
      Math.round((ROWS * 1000) / insert).toLocaleString('en'),
      (Number(bytes) / ROWS).toFixed(0),
      sum.toFixed(0),
    ]);
  }
  return {
    title: `The payload of ${ROWS.toLocaleString('en')} events`,
    header: ['kept as', 'rows/s inserted, 50,000 a block', 'bytes a row', 'sum(price) of 200,000, ms'],
    rows,
  };
}
