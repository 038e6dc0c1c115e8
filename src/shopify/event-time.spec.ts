import { eventTimeOf } from './event-time.js';
import { readWebhookBody } from './webhook.body.js';

const RECEIVED_AT = Date.parse('2026-05-01T00:00:00Z');
const RECEIPT = '2026-05-01T00:00:00.000Z';
const CREATED = '2026-04-25T15:00:03+02:00';
const FAR_AHEAD = new Date(Date.now() + 25 * 60 * 60 * 1000).toISOString();

function timeOf(triggeredAt: string | null | undefined, times: object, fields: string[] = ['created_at']): string {
  const body = readWebhookBody(Buffer.from(JSON.stringify(times)));
  if (!body.valid) throw new Error(body.detail);
  const time = eventTimeOf({ triggeredAt, object: body.object, fields, receivedAt: RECEIVED_AT });
  return new Date(time).toISOString();
}

describe('eventTimeOf', () => {
  it('should prefer the time at which Shopify was triggered', () => {
    expect(timeOf('2026-04-25T13:00:05.877041743Z', { created_at: CREATED })).toBe('2026-04-25T13:00:05.877Z');
  });

  it.each([undefined, null, 'yesterday', '1969-12-31T23:59:59Z', '2026-02-30T00:00:00Z', FAR_AHEAD])(
    "should fall back on the object's own time when Shopify's is %s",
    (triggeredAt) => {
      expect(timeOf(triggeredAt, { created_at: CREATED })).toBe('2026-04-25T13:00:03.000Z');
    },
  );

  it.each([undefined, null, '', 'yesterday', '1969-12-31T23:59:59Z', FAR_AHEAD, 1777122003, {}])(
    "should fall back on the receipt when the object's own time is %j",
    (createdAt) => {
      expect(timeOf(undefined, { created_at: createdAt })).toBe(RECEIPT);
    },
  );

  it('should take the first field that has a time', () => {
    const times = { cancelled_at: null, updated_at: '2026-04-26T08:30:02+02:00', created_at: CREATED };
    expect(timeOf(undefined, times, ['cancelled_at', 'updated_at'])).toBe('2026-04-26T06:30:02.000Z');
    expect(timeOf(undefined, times, [])).toBe(RECEIPT);
  });

  it('should take a time without an offset for UTC', () => {
    expect(timeOf(undefined, { created_at: '2026-04-25T13:00:03' })).toBe('2026-04-25T13:00:03.000Z');
  });
});
