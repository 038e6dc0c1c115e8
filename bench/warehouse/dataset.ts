import type { ClickHouseClient } from '@clickhouse/client';
import { EVENT_COLUMNS } from '../../src/warehouse/event-row.encoder.js';

// Twelve million events of three tenants over 60 days, made inside ClickHouse: ten million of `acme` by 100,000 users (a few
// of them much more active than most), twenty event types of uneven frequency, payloads of 150 to 260 bytes, a tenth with a key
// of the caller's.

const TYPES: readonly (readonly [name: string, perMille: number])[] = [
  ['page_viewed', 400],
  ['product_viewed', 150],
  ['search_performed', 80],
  ['product_added', 70],
  ['order_placed', 50],
  ['cart_viewed', 40],
  ['email_opened', 30],
  ['email_clicked', 30],
  ['app_opened', 20],
  ['context_identified', 20],
  ['push_received', 15],
  ['checkout_started', 15],
  ['review_written', 15],
  ['wishlist_added', 15],
  ['coupon_applied', 10],
  ['order_refunded', 10],
  ['support_contacted', 10],
  ['subscription_started', 10],
  ['logged_out', 5],
  ['account_deleted', 5],
];
const TYPE_OF_PER_MILLE = `[${TYPES.flatMap(([name, perMille]) => Array<string>(perMille).fill(`'${name}'`)).join(',')}]`;

export const EVENTS = 12_000_000;
/** The end of the data, in microseconds since 1970: 2026-11-20T14:13:20Z. */
const END_US = 1_795_184_000_000_000;
const US_APART = 432_000;

/** Which events are made. */
export interface Dataset {
  readonly events: number;
  /** Between one event and the next. */
  readonly usApart: number;
  /** An SQL expression. */
  readonly tenant: string;
}

/** What the twelve million are; another bench may ask for others. */
const OF_THREE_TENANTS: Dataset = {
  events: EVENTS,
  usApart: US_APART,
  tenant: "if(number % 6 < 5, 'acme', if(h4 % 2 = 0, 'globex', 'initech'))",
};

export const END = new Date(END_US / 1000);

/** A query for `count` of the events, from the `first` on. */
export const select = (first: number, count: number, { events, usApart, tenant } = OF_THREE_TENANTS): string => `
WITH
  sipHash64(number, 1) AS h1, sipHash64(number, 2) AS h2, sipHash64(number, 3) AS h3, sipHash64(number, 4) AS h4,
  ${TYPE_OF_PER_MILLE}[h1 % 1000 + 1] AS type,
  toUInt32(100000 * pow((h2 % 1000000) / 1000000., 1.5)) AS user,
  toInt64(${END_US}) - toInt64(${events} - number) * ${usApart} + h3 % least(${usApart}, 100000) AS received,
  intDiv(received, 1000) - if(h3 % 20 = 0, h2 % 86400000, h2 % 5000) AS occurred,
  leftPad(lower(hex(h3)), 16, '0') AS random,
  leftPad(lower(hex(intDiv(received, 1000))), 12, '0') AS time
SELECT
  ${tenant} AS tenant_id,
  type AS event_type,
  concat('usr_', lower(hex(sipHash64(user, 99)))) AS user_id,
  toUUID(concat(substring(time, 1, 8), '-', substring(time, 9, 4), if(h4 % 10 = 9, '-8', '-7'), substring(random, 1, 3), '-a',
    substring(random, 4, 3), '-', leftPad(lower(hex(toUInt32(h4))), 8, '0'), substring(random, 8, 4))) AS id,
  fromUnixTimestamp64Milli(occurred, 'UTC') AS occurred_at,
  fromUnixTimestamp64Micro(received, 'UTC') AS received_at,
  if(h4 % 10 < 3, concat('anon_', lower(hex(h2))), '') AS anonymous_id,
  if(h4 % 10 = 9, concat('evt_', random), '') AS event_id,
  multiIf(
    type IN ('order_placed', 'order_refunded', 'checkout_started'),
    concat('{"order_id":"', toString(h3 % 100000000), '","total":', toString((h4 % 50000) / 100), ',"currency":"',
      ['EUR', 'USD', 'GBP'][h4 % 3 + 1], '","items":', toString(h2 % 9 + 1), ',"coupon":', if(h2 % 4 = 0, '"WELCOME10"', 'null'),
      ',"shipping":{"country":"', ['DE', 'FR', 'US', 'GB', 'NL'][h1 % 5 + 1], '","method":"express"},"first_order":',
      if(h3 % 5 = 0, 'true', 'false'), '}'),
    type = 'context_identified',
    concat('{"email":"user', toString(user), '@example.com","first_name":"Name', toString(user % 977), '","plan":"',
      ['free', 'pro', 'team', 'enterprise'][h4 % 4 + 1], '","country":"', ['DE', 'FR', 'US', 'GB', 'NL'][h1 % 5 + 1],
      '","age":', toString(18 + h2 % 60), ',"newsletter":', if(h3 % 2 = 0, 'true', 'false'), '}'),
    concat('{"url":"https://shop.example.com/products/', toString(h4 % 5000), '?ref=', toString(h2 % 100), '","title":"Product ',
      toString(h4 % 5000), ' - the shop","session_id":"', random, '","price":', toString((h4 % 20000) / 100), ',"position":',
      toString(h2 % 50), ',"referrer":', if(h3 % 3 = 0, '"https://www.google.com/"', 'null'),
      ',"screen":{"w":1920,"h":1080},"logged_in":', if(h3 % 2 = 0, 'true', 'false'), '}')) AS payload
FROM numbers(${first}, ${count})`;

const EVENTS_A_STATEMENT = 500_000;

/** Fills the table of events. */
export async function load(client: ClickHouseClient, dataset = OF_THREE_TENANTS): Promise<void> {
  const columns = EVENT_COLUMNS.join(', ');
  for (let first = 0; first < dataset.events; first += EVENTS_A_STATEMENT) {
    const count = Math.min(EVENTS_A_STATEMENT, dataset.events - first);
    await client.command({
      query: `INSERT INTO events (${columns}) SELECT ${columns} FROM (${select(first, count, dataset)})`,
    });
  }
}
