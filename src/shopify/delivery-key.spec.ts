import { deliveryKeyOf } from './delivery-key.js';

const BODY = Buffer.from('{"id":820982911946154508}');

describe('deliveryKeyOf', () => {
  it('should be that of the webhook, whatever it brings', () => {
    expect(deliveryKeyOf('w1', 'orders/create', BODY)).toBe('webhook:w1');
    expect(deliveryKeyOf('w1', 'orders/paid', Buffer.from('{}'))).toBe('webhook:w1');
  });

  it.each([undefined, null])('should be that of the topic and the bytes when the id is %s', (webhookId) => {
    const key = deliveryKeyOf(webhookId, 'orders/create', BODY);
    // printf 'orders/create\0{"id":820982911946154508}' | sha256sum
    expect(key).toBe('body:1c2530528723bc316847e722cfa8f932bbd2c1442ad0883b5d3d2a7c4ea3400b');
    expect(deliveryKeyOf(webhookId, 'orders/create', Buffer.from(BODY))).toBe(key);
    expect(deliveryKeyOf(webhookId, 'orders/updated', BODY)).not.toBe(key);
    expect(deliveryKeyOf(webhookId, 'orders/create', Buffer.from('{"id":820982911946154509}'))).not.toBe(key);
  });

  it('should not take an id for a digest', () => {
    const digest = deliveryKeyOf(undefined, 'orders/create', BODY);
    expect(deliveryKeyOf(digest, 'orders/create', BODY)).not.toBe(digest);
  });

  it('should have room for the longest id', () => {
    expect(deliveryKeyOf('w'.repeat(100), 'orders/create', BODY).length).toBeLessThanOrEqual(128);
  });
});
