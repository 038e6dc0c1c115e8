// The size of each column of `events`, a million rows in the table's order, by codec.
import type { ClickHouseClient } from '@clickhouse/client';
import type { Table } from '../figure.js';
import { rowsOf } from './measure.js';

const TIMES = ['NONE', 'LZ4', 'ZSTD(1)', 'ZSTD(3)', 'Delta, ZSTD(1)', 'DoubleDelta, ZSTD(1)', 'T64, ZSTD(1)'];
const COLUMNS: readonly (readonly [name: string, type: string, codecs: readonly string[]])[] = [
  ['occurred_at', "DateTime64(3, 'UTC')", TIMES],
  ['received_at', "DateTime64(6, 'UTC')", TIMES],
  ...['user_id', 'payload', 'event_id', 'anonymous_id'].map((name) => [name, 'String', TIMES.slice(0, 4)] as const),
  ['id', 'UUID', TIMES.slice(0, 4)],
];

export async function measureCodecs(client: ClickHouseClient): Promise<Table> {
  const variants = COLUMNS.flatMap(([name, type, codecs]) =>
    codecs.map((codec, i) => ({ name, type, codec, column: `${name}_${i}` })),
  );
  const definitions = variants.map(({ column, type, codec }) => `${column} ${type} CODEC(${codec})`);
  await client.command({
    query: `CREATE TABLE codecs (${definitions.join(', ')}) ENGINE = MergeTree ORDER BY tuple() SETTINGS min_bytes_for_wide_part = 0`,
  });
  await client.command({
    query: `
      INSERT INTO codecs SELECT ${variants.map(({ name }) => name).join(', ')}
      FROM (SELECT * FROM events WHERE tenant_id = 'acme' AND _partition_id = '202610'
            ORDER BY event_type, user_id, id LIMIT 1000000)`,
  });
  await client.command({ query: 'OPTIMIZE TABLE codecs FINAL' });
  const sizes = await rowsOf(
    client,
    `SELECT name, data_compressed_bytes FROM system.columns WHERE database = currentDatabase() AND table = 'codecs'`,
  );
  const bytes = new Map(sizes.map(([name, size]) => [String(name), Number(size)]));
  const cells = ([name, , codecs]: (typeof COLUMNS)[number]): string[] =>
    TIMES.map((_, i) => (i < codecs.length ? ((bytes.get(`${name}_${i}`) ?? NaN) / 1e6).toFixed(1) : ''));
  return {
    title: 'MB of a million values, by codec',
    header: ['column', ...TIMES],
    rows: COLUMNS.map((column) => [column[0], ...cells(column)]),
  };
}
