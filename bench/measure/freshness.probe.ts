import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@clickhouse/client';

const PROBE_EVERY_MS = 100;
const LOOK_EVERY_MS = 10;
/** Beyond this it does not matter any more how old an event is. */
export const GIVE_UP_AFTER_MS = 60_000;

/** Where probes go in, and where they come out. */
export interface Ends {
  readonly apiUrl: string;
  readonly key: string;
  readonly clickhouseUrl: string;
}

/**
 * Sends single events for so long, and asks ClickHouse for each until it is there. Looking costs up to 10 ms and a query,
 * which count as the event's.
 * @returns of each event the time between its 202 and the first answer that has it, in ms; {@link GIVE_UP_AFTER_MS} where there is none
 */
export async function probeFreshness(ends: Ends, seconds: number): Promise<number[]> {
  const acceptedAt = new Map<string, number>();
  const ages: number[] = [];
  const endsAt = performance.now() + seconds * 1_000;
  const sending = sendProbes(ends, endsAt, acceptedAt);
  const client = createClient({ url: ends.clickhouseUrl });
  let isSending = true;
  const sent = sending.finally(() => {
    isSending = false;
  });
  try {
    while (isSending || acceptedAt.size > 0) {
      if (performance.now() > endsAt + GIVE_UP_AFTER_MS) {
        for (let i = 0; i < acceptedAt.size; i++) ages.push(GIVE_UP_AFTER_MS);
        break;
      }
      const awaited = [...acceptedAt.keys()];
      if (awaited.length > 0) {
        const result = await client.query({
          query: `SELECT user_id FROM events
                  WHERE tenant_id = 'acme' AND event_type = 'freshness_probed' AND user_id IN {awaited: Array(String)}`,
          query_params: { awaited },
          format: 'JSONEachRow',
        });
        const found = await result.json<{ user_id: string }>();
        const now = performance.now();
        for (const { user_id } of found) {
          ages.push(now - (acceptedAt.get(user_id) ?? now));
          acceptedAt.delete(user_id);
        }
      }
      await sleep(LOOK_EVERY_MS);
    }
    await sent;
    return ages;
  } finally {
    await client.close();
  }
}

/** Resolves when all are answered. */
async function sendProbes({ apiUrl, key }: Ends, endsAt: number, acceptedAt: Map<string, number>): Promise<void> {
  const answers: Promise<void>[] = [];
  for (let n = 0; performance.now() < endsAt; n++) {
    const userId = `probe-${n}`;
    answers.push(
      fetch(`${apiUrl}/api/ingestion/track/`, {
        method: 'POST',
        headers: { authorization: `ApiKey ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ user_id: userId, event_type: 'freshness_probed' }),
      }).then((response) => {
        if (response.status !== 202) throw new Error(`A probe was answered ${response.status}`);
        acceptedAt.set(userId, performance.now());
      }),
    );
    // Not in step with anything that happens at whole seconds.
    await sleep(PROBE_EVERY_MS * (0.5 + Math.random()));
  }
  await Promise.all(answers);
}
