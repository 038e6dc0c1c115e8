const TYPES = [
  ...Array<string>(8).fill('page_viewed'),
  ...Array<string>(3).fill('product_viewed'),
  ...['search_performed', 'search_performed', 'product_added', 'order_placed', 'cart_viewed', 'email_opened'],
  ...['app_opened', 'checkout_started', 'context_identified'],
];
const USERS = 100_000;

/** An event as the SDKs send it, of about 300 bytes of JSON. The same `n` gives the same event. */
export function eventOf(n: number) {
  const h = Math.imul(n + 1, 2_654_435_761) >>> 0;
  const time = new Date(1_790_000_000_000 + n * 37).toISOString();
  return {
    user_id: `usr_${(h % USERS).toString(16).padStart(8, '0')}`,
    event_type: TYPES[h % TYPES.length] ?? 'page_viewed',
    // Go, Swift and JavaScript write it so.
    occurred_at: time,
    payload: {
      url: `https://shop.example.com/products/${h % 5_000}?ref=${h % 100}`,
      title: `Product ${h % 5_000} - the shop`,
      session_id: h.toString(16).padStart(16, 'a'),
      price: (h % 20_000) / 100,
      position: h % 50,
      referrer: null,
      logged_in: h % 2 === 0,
    },
  };
}

/** The same body with another event in place of its first one. */
export function withProbe(body: Buffer, userId: string): Buffer {
  const { events } = JSON.parse(body.toString()) as { events: unknown[] };
  return Buffer.from(
    JSON.stringify({ events: [{ user_id: userId, event_type: 'freshness_probed' }, ...events.slice(1)] }),
  );
}

/** A body for one event with an `event_id` that nothing else has. */
export function withEventId(body: Buffer, eventId: string): Buffer {
  return Buffer.concat([Buffer.from(`{"event_id":"${eventId}",`), body.subarray(1)]);
}

/** Bodies of requests with so many events each, no two alike; `'single'` are those of the route for one event. */
export function bodiesOf(events: number | 'single', count: number): Buffer[] {
  const size = events === 'single' ? 1 : events;
  return Array.from({ length: count }, (_, body) => {
    const list = Array.from({ length: size }, (_, i) => eventOf(body * size + i));
    return Buffer.from(JSON.stringify(events === 'single' ? list[0] : { events: list }));
  });
}
