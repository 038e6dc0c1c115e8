import { setTimeout as sleep } from 'node:timers/promises';

const AT_MOST_MS = 20_000;
const LOOK_EVERY_MS = 200;

/** Resolves when ClickHouse has no merges left to do, or after 20 s: what one round has left behind is not to cost the next. */
export async function untilMerged(clickhouseUrl: string): Promise<void> {
  const deadline = Date.now() + AT_MOST_MS;
  for (let quietLooks = 0; quietLooks < 3 && Date.now() < deadline;) {
    const response = await fetch(clickhouseUrl, {
      method: 'POST',
      body: 'SELECT count() FROM system.merges FORMAT TSV',
      headers: { connection: 'close' },
    });
    quietLooks = (await response.text()).trim() === '0' ? quietLooks + 1 : 0;
    await sleep(LOOK_EVERY_MS);
  }
}
