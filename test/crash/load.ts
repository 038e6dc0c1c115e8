import { setTimeout as sleep } from 'node:timers/promises';
import type { Delivery } from './sdk.client.js';
import { SdkClient } from './sdk.client.js';
import type { Tally } from './tally.js';

const SENDERS = 12;
const TRACK = '/api/ingestion/track/';
const BATCH = '/api/ingestion/track/batch/';

/** A request that was sent, and what became of it. */
export interface SentRequest extends Delivery {
  readonly events: number;
}

export interface LoadOptions {
  readonly apiUrls: readonly string[];
  readonly key: string;
  /** What all senders send together as long as they are answered. */
  readonly eventsPerSecond: number;
  readonly tally: Tally;
}

/**
 * Clients that send events until they are told to stop, and remember what became of each. The `k`th event of request `r` has
 * the user id `r-k`, which nothing else has.
 */
export class Load {
  /** By the number in their user ids. */
  readonly requests: SentRequest[] = [];
  private readonly senders: Promise<void>[];
  private next = 0;
  private isStopping = false;
  private givesUpAt = Infinity;

  constructor(private readonly options: LoadOptions) {
    this.senders = Array.from({ length: SENDERS }, (_, i) => this.send(i));
  }

  /** Sends nothing new. Resolves when every request has its answer, or was given up after `withinMs`. */
  async stop(withinMs: number): Promise<void> {
    this.isStopping = true;
    this.givesUpAt = Date.now() + withinMs;
    await Promise.all(this.senders);
  }

  private async send(sender: number): Promise<void> {
    const { apiUrls, key, tally, eventsPerSecond } = this.options;
    const client = new SdkClient(apiUrls, key, tally, sender);
    while (!this.isStopping) {
      const request = this.next++;
      const events = batchSize();
      const delivery = await client.deliver(events === 1 ? TRACK : BATCH, body(request, events), () => this.givesUpAt);
      this.requests[request] = { ...delivery, events };
      await sleep((events * SENDERS * 1_000) / eventsPerSecond);
    }
    client.close();
  }
}

/** Most requests of real clients have 1 to 20 events; some have many, up to the limit. */
function batchSize(): number {
  const dice = Math.random();
  return Math.ceil(Math.random() * (dice < 0.6 ? 20 : dice < 0.9 ? 100 : 500));
}

function body(request: number, size: number): Buffer {
  // To the second, as the SDK writes it.
  const occurred_at = `${new Date().toISOString().slice(0, 19)}Z`;
  const events = Array.from({ length: size }, (_, k) => ({
    user_id: `${request}-${k}`,
    event_type: 'order_placed',
    occurred_at,
    payload: { request, k },
  }));
  return Buffer.from(JSON.stringify(size === 1 ? events[0] : { events }));
}
