import * as fc from 'fast-check';
import { isBlank } from '../../src/common/text.rules.js';
import { parseOccurredAt } from '../../src/events/occurred-at.js';
import { startService, type StoredEvent, type TestService, type TestTenant } from '../support/service.js';
import { eventOrNot } from './event.cases.js';
import { samplesOf } from './holds.js';

const BATCH = '/api/ingestion/track/batch/';
const REQUESTS = 40;

interface BatchAnswer {
  readonly queued: number;
  readonly skipped: number;
  readonly errors?: readonly { readonly index: number; readonly field: string; readonly code: string }[];
}

interface SentEvent {
  readonly user_id: string;
  readonly event_type: string;
  readonly occurred_at?: string | null;
  readonly anonymous_id?: string | null;
  readonly payload?: unknown;
}

describe('events through the whole service, however odd', () => {
  let service: TestService;
  let tenant: TestTenant;

  beforeAll(async () => {
    service = await startService();
    tenant = await service.createTenant();
  });
  afterAll(async () => {
    await service.stop();
  });

  it('should be accepted or skipped, each one; and what is accepted is stored and read back equal', async () => {
    const accepted: string[] = [];
    let skipped = 0;
    for (const events of samplesOf(fc.array(eventOrNot, { minLength: 1, maxLength: 40, size: 'max' }), REQUESTS)) {
      const response = await tenant.post(BATCH, `{"events":[${events.join()}]}`);
      expect(response.status).toBe(202);
      const answer = response.body as BatchAnswer;
      const refused = new Set(answer.errors?.map(({ index }) => index));
      expect(answer.queued + answer.skipped).toBe(events.length);
      expect(refused.size).toBe(answer.skipped);
      accepted.push(...events.filter((_, index) => !refused.has(index)));
      skipped += answer.skipped;
    }
    // Neither may be so rare that nothing was tried.
    expect(accepted.length).toBeGreaterThan(REQUESTS * 5);
    expect(skipped).toBeGreaterThan(REQUESTS);

    const stored = await tenant.storedEvents(accepted.length, { timeoutMs: 30_000 });
    expect(stored).toHaveLength(accepted.length);
    stored.forEach((row, index) => {
      expectSame(row, accepted[index] ?? '');
    });
  });

  // With those, ClickHouse's parser finds nothing in a document before payloadValue() has made them numbers of another kind.
  it('should all be readable for conditions, but for integers beyond 64 bits', async () => {
    const result = await service.clickhouse.query({
      query: `SELECT payload FROM events WHERE tenant_id = {tenantId: String} AND NOT isValidJSON(payload)
        AND NOT match(payload, '[0-9]{19}')`,
      query_params: { tenantId: tenant.tenantId },
      format: 'JSONEachRow',
    });
    expect(await result.json()).toEqual([]);
  });
});

function expectSame(row: StoredEvent, json: string): void {
  const sent = JSON.parse(json) as SentEvent;
  expect(row).toMatchObject({
    user_id: sent.user_id,
    event_type: sent.event_type,
    anonymous_id: filledOr(sent.anonymous_id, ''),
    event_id: '',
  });
  const occurredAt = filledOr(sent.occurred_at, undefined);
  if (occurredAt !== undefined) {
    expect(Date.parse(`${row.occurred_at.replace(' ', 'T')}Z`)).toBe(parseOccurredAt(occurredAt));
  }
  // Of the payloads that are no objects, only empty ones are accepted.
  const isObject = typeof sent.payload === 'object' && sent.payload !== null && !Array.isArray(sent.payload);
  expect(JSON.parse(row.payload)).toEqual(isObject ? sent.payload : {});
  // Byte for byte, which JSON.parse would not notice of large integers.
  if (isObject) expect(json).toContain(`"payload":${row.payload}`);
}

/** A text that shows nothing stands for none. */
function filledOr<T>(text: string | null | undefined, otherwise: T): string | T {
  return typeof text === 'string' && !isBlank(text) ? text : otherwise;
}
