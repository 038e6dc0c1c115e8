import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import request from 'supertest';

const FIXTURES = join(__dirname, '../fixtures/shopify');

/** The body of a webhook in wire form, such as that of `orders/create`. */
export function webhookFixture(topic: string): Buffer {
  return readFileSync(join(FIXTURES, `${topic.replaceAll('/', '_')}.json`));
}

export interface Delivery {
  readonly topic?: string;
  readonly body: Buffer;
  readonly secret: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Posts a webhook as Shopify does: signed, and under an id of its own unless `headers` give one. */
export function deliver(url: string, tenantId: string, { topic, body, secret, headers = {} }: Delivery): request.Test {
  return request(url)
    .post(`/api/ingestion/shopify/${tenantId}/`)
    .set({
      'content-type': 'application/json',
      'x-shopify-hmac-sha256': createHmac('sha256', secret).update(body).digest('base64'),
      'x-shopify-webhook-id': randomUUID(),
      ...(topic === undefined ? {} : { 'x-shopify-topic': topic }),
      ...headers,
    })
    .serialize((bytes: Buffer) => bytes as unknown as string)
    .send(body);
}
