import { createHmac } from 'node:crypto';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { ShopifyAccounts } from '../../src/shopify/settings/shopify-accounts.service.js';
import { TOPICS } from '../../src/shopify/topics.js';
import { sharedService, type TestService, type TestTenant } from '../support/service.js';
import { eventOrNot } from './event.cases.js';
import { holds } from './holds.js';
import { anyBytes, jsonDocument, jsonObject } from './json.cases.js';

const TRACK = '/api/ingestion/track/';
const BATCH = '/api/ingestion/track/batch/';
const SECRET = 'hush-hush-9b1c';
/** Far above what an answer takes, far below what a sender waits. */
const ANSWER_WITHIN_MS = 5_000;

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

const compressors = {
  gzip: gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  identity: (bytes: Buffer) => bytes,
} as const;
type Encoding = keyof typeof compressors;
const encoding = fc.constantFrom<Encoding>('gzip', 'deflate', 'br', 'identity');

/** How a compressed body may arrive: whole, cut short, with a wrong byte, with something behind it, or not compressed at all. */
const damage = fc.oneof(
  fc.constant((bytes: Buffer) => bytes),
  fc.nat().map((at) => (bytes: Buffer) => bytes.subarray(0, at % (bytes.length + 1))),
  fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })).map(([at, mask]) => (bytes: Buffer) => {
    const damaged = Buffer.from(bytes);
    if (damaged.length > 0) damaged[at % damaged.length]! ^= mask;
    return damaged;
  }),
  fc.uint8Array({ maxLength: 20 }).map((tail) => (bytes: Buffer) => Buffer.concat([bytes, tail])),
);

const COMPLIANCE = ['customers/redact', 'customers/data_request', 'shop/redact'];

describe('answers, whatever is sent', () => {
  let service: TestService;
  let tenant: TestTenant;

  beforeAll(async () => {
    service = await sharedService();
    tenant = await service.createTenant();
    await service.app.get(ShopifyAccounts).change(tenant.tenantId, { secrets: [SECRET] });
  });

  const post = async (path: string, body: Uint8Array, headers: Record<string, string> = {}): Promise<Answer> => {
    const response = await fetch(`${service.url}${path}`, {
      method: 'POST',
      headers: { authorization: `ApiKey ${tenant.key}`, 'content-type': 'application/json', ...headers },
      body,
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    expect(response.headers.get('x-request-id')).toEqual(expect.any(String));
    return { status: response.status, body: (await response.json()) as Answer['body'] };
  };

  const expectRefusal = ({ status, body }: Answer): void => {
    expect([400, 413, 415]).toContain(status);
    const texts = 'detail' in body ? [body['detail']] : Object.values(body).flat();
    expect(texts.length).toBeGreaterThan(0);
    expect(texts.every((text) => typeof text === 'string' && text !== '')).toBe(true);
  };

  const expectTrackAnswer = (answer: Answer): void => {
    if (answer.status === 202) expect(answer.body).toEqual({ queued: true });
    else expectRefusal(answer);
  };

  const expectBatchAnswer = (answer: Answer): void => {
    if (answer.status !== 202) {
      expectRefusal(answer);
      return;
    }
    const { queued, skipped, errors = [] } = answer.body;
    expect([queued, skipped].every(Number.isSafeInteger)).toBe(true);
    expect(new Set((errors as { index: number }[]).map(({ index }) => index)).size).toBe(skipped);
  };

  it('should keep to the contract for one event', () =>
    holds(
      fc.oneof(
        anyBytes,
        eventOrNot.map((text) => Buffer.from(text)),
      ),
      120,
      async (body) => {
        expectTrackAnswer(await post(TRACK, body));
      },
    ));

  it('should keep to the contract for many', () =>
    holds(
      fc.oneof(
        anyBytes,
        jsonDocument.map((list) => Buffer.from(`{"events":${list}}`)),
        fc.array(eventOrNot, { maxLength: 10 }).map((events) => Buffer.from(`{"events":[${events.join()}]}`)),
      ),
      120,
      async (body) => {
        expectBatchAnswer(await post(BATCH, body));
      },
    ));

  it('should keep to it where the body is compressed, or said to be', () =>
    holds(
      fc.tuple(eventOrNot, encoding, encoding, damage, fc.constantFrom(TRACK, BATCH)),
      120,
      async ([event, actual, said, spoil, path]) => {
        const plain = Buffer.from(path === TRACK ? event : `{"events":[${event}]}`);
        const answer = await post(path, spoil(compressors[actual](plain)), { 'content-encoding': said });
        if (path === TRACK) expectTrackAnswer(answer);
        else expectBatchAnswer(answer);
      },
    ));

  it('should take any webhook of Shopify’s that is signed, so that none is sent again for ever', () =>
    holds(
      fc.tuple(
        fc.constantFrom(...TOPICS.keys(), ...COMPLIANCE, 'products/update'),
        fc.oneof(
          anyBytes,
          jsonObject.map((text) => Buffer.from(text)),
        ),
      ),
      120,
      async ([topic, body]) => {
        const signature = createHmac('sha256', SECRET).update(body).digest('base64');
        const answer = await post(`/api/ingestion/shopify/${tenant.tenantId}/`, body, {
          'x-shopify-hmac-sha256': signature,
          'x-shopify-topic': topic,
        });
        expect(answer.status).toBeLessThan(500);
        if (answer.status < 300) expect(answer.body).toEqual({ queued: expect.any(Boolean) });
        // What does not name the tenant's shop must not erase anything.
        else if (answer.status === 403 && COMPLIANCE.includes(topic)) {
          expect(answer.body).toEqual({ detail: expect.any(String) });
        } else expectRefusal(answer);
      },
    ));
});
