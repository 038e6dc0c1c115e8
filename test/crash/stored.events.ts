/** What ClickHouse holds of one request's events. */
export interface StoredRequest {
  readonly request: number;
  /** How many of its events are there at all. */
  readonly present: number;
  /** How many events readers count. */
  readonly counted: number;
  /** How many of them do not hold what was sent. */
  readonly altered: number;
}

/** Readers count either way: rows that are final, or distinct ids. The larger number stands. */
const PER_REQUEST = `
  SELECT toUInt32(splitByChar('-', user_id)[1]) AS request,
         uniqExact(user_id) AS present,
         greatest(count(), uniqExact(id)) AS counted,
         countIf(JSONExtractRaw(payload, 'request') || '-' || JSONExtractRaw(payload, 'k') != user_id) AS altered
  FROM events FINAL GROUP BY request FORMAT JSONEachRow`;

/** The events in the ClickHouse at that address, by request. */
export async function storedRequests(clickhouseUrl: string): Promise<StoredRequest[]> {
  const text = await ask(clickhouseUrl, PER_REQUEST);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const row = JSON.parse(line) as Record<keyof StoredRequest, string | number>;
      return {
        request: Number(row.request),
        present: Number(row.present),
        counted: Number(row.counted),
        altered: Number(row.altered),
      };
    });
}

/** How many events there are by now: by what their senders numbered them with, and by the ids of their rows. */
export async function countStored(clickhouseUrl: string): Promise<{ readonly numbers: number; readonly ids: number }> {
  const text = await ask(clickhouseUrl, 'SELECT uniqExact(user_id), uniqExact(id) FROM events FORMAT TSV');
  const [numbers = 0, ids = 0] = text.split('\t').map(Number);
  return { numbers, ids };
}

async function ask(url: string, query: string): Promise<string> {
  // A connection that is kept open would delay the server's stop.
  const response = await fetch(url, { method: 'POST', body: query, headers: { connection: 'close' } });
  const text = await response.text();
  if (!response.ok) throw new Error(`ClickHouse did not answer the count: ${text}`);
  return text;
}
