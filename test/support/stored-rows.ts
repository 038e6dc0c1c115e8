import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import type { EventRow } from '../../src/warehouse/event-row.js';
import { EVENT_COLUMNS, EventRowEncoder } from '../../src/warehouse/event-row.encoder.js';

const TYPES: Readonly<Record<string, string>> = {
  id: 'UUID',
  occurred_at: 'DateTime64(3)',
  received_at: 'DateTime64(6)',
};

/**
 * Stores rows as a part of their own, without a token: as a copy of a batch that no token tells any more.
 * @param mayHaveCopies by default what the column says of them by itself, as for builds that do not know it
 */
export async function storeRows(
  client: ClickHouseClient,
  rows: readonly EventRow[],
  { mayHaveCopies }: { mayHaveCopies?: 0 | 1 } = {},
): Promise<void> {
  const encoder = new EventRowEncoder();
  for (const row of rows) encoder.append(row);
  const names = EVENT_COLUMNS.join(', ');
  const structure = EVENT_COLUMNS.map((column) => `${column} ${TYPES[column] ?? 'String'}`).join(', ');
  const [column, value] = mayHaveCopies === undefined ? ['', ''] : [', may_have_copies', `, ${mayHaveCopies}`];
  const { stream } = await client.exec({
    query: `INSERT INTO events (${names}${column}) SELECT ${names}${value} FROM input('${structure}') FORMAT RowBinary`,
    values: Readable.from(encoder.take()),
    clickhouse_settings: { insert_deduplicate: 0 },
  });
  await finished(stream.resume());
}
