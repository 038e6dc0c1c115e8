/** What the table of events holds. */
export interface StoredCounts {
  readonly rows: number;
  /** Ids that differ; `quick` does not ask for them. */
  readonly distinct: number;
}

const QUERIES = {
  // From the parts' metadata.
  quick: 'SELECT count(), 0 FROM events FORMAT TSV',
  exact: 'SELECT count(), uniqExact(id) FROM events FORMAT TSV',
};

/** @throws Error when ClickHouse does not answer, or has no such table yet */
export async function storedCounts(clickhouseUrl: string, how: keyof typeof QUERIES): Promise<StoredCounts> {
  // A connection that is kept open would delay the server's stop.
  const response = await fetch(clickhouseUrl, {
    method: 'POST',
    body: QUERIES[how],
    headers: { connection: 'close' },
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`ClickHouse did not answer the count: ${text}`);
  const [rows = NaN, distinct = NaN] = text.trim().split('\t').map(Number);
  return { rows, distinct };
}
