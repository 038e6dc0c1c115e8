import type { PubSub } from '@google-cloud/pubsub';
import { withDeadline } from '../../common/deadline.js';
import { uuid7 } from '../../common/uuid7.js';
import type { NewDeadLetter } from '../dead-letters.js';
import type { EventBatch } from '../event-batch.js';
import type { BatchHandler, ConsumeOptions, Consumption } from '../event-transport.js';
import type { RedisDeadLetters } from '../redis/redis.dead-letters.js';
import type { BacklogCount } from './backlog.count.js';
import { deadLetterSubscriptionOf, type PubSubNames } from './pubsub.names.js';
import { SubscriptionReader } from './subscription.reader.js';

const BEAT_EVERY_MS = 1_000;
const GOODBYE_WITHIN_MS = 500;
const DEAD_LETTERS_AT_ONCE = 4;

/** Where batches, dead letters and heartbeats go from here. */
interface Outlets {
  readonly backlogCount: BacklogCount;
  readonly deadLetters: Pick<RedisDeadLetters, 'add'>;
}

/**
 * A worker on the subscription: hands each message to the handler as a batch, and does with it what the handler says. What
 * Pub/Sub itself has given up, after its limit of attempts, it takes to the other dead letters.
 */
export class PubSubConsumption implements Consumption {
  private readonly id = uuid7();
  private readonly batches: SubscriptionReader;
  private readonly givenUp: SubscriptionReader;
  private readonly heart: NodeJS.Timeout;
  private finishedSinceBeat = false;

  constructor(
    client: PubSub,
    names: PubSubNames,
    private readonly outlets: Outlets,
    private readonly handler: BatchHandler,
    options: ConsumeOptions,
  ) {
    this.batches = new SubscriptionReader(client, names.subscription, (batch) => this.store(batch), options);
    this.givenUp = new SubscriptionReader(
      client,
      deadLetterSubscriptionOf(names),
      (batch) => this.bury(batch, 'It was delivered as often as the subscription allows, and never finished.'),
      { concurrency: DEAD_LETTERS_AT_ONCE },
    );
    this.heart = setInterval(() => void this.beat(), BEAT_EVERY_MS);
    void this.beat();
  }

  async close(): Promise<void> {
    clearInterval(this.heart);
    await Promise.all([this.batches.close(), this.givenUp.close()]);
    const { backlogCount } = this.outlets;
    const goodbye = backlogCount.tell().then(() => backlogCount.workers.leave(this.id));
    // Nobody misses it for longer than the next heartbeat takes.
    await withDeadline(goodbye, GOODBYE_WITHIN_MS, () => new Error('no answer')).catch(() => undefined);
  }

  private async store(batch: EventBatch): Promise<void> {
    // Pub/Sub may deliver any message twice, and does not say so.
    const { deadLetters } = await this.handler({ batch, isFirst: false });
    this.finishedSinceBeat = true;
    for (const letter of deadLetters) await this.keep(letter);
    await this.outlets.backlogCount.finished(batch);
  }

  private async bury(batch: EventBatch, reason: string): Promise<void> {
    await this.keep({ batch, tenantId: undefined, reason });
    await this.outlets.backlogCount.finished(batch);
  }

  private async keep(letter: NewDeadLetter): Promise<void> {
    await this.outlets.deadLetters.add({ ...letter, diedAt: Date.now() });
  }

  private async beat(): Promise<void> {
    const hasFinished = this.finishedSinceBeat;
    this.finishedSinceBeat = false;
    try {
      await this.outlets.backlogCount.beat(this.id, { hasFinished, isBusy: hasFinished || this.batches.isBusy });
    } catch {
      // Redis is away, which its connection has logged; the next beat tells it.
      this.finishedSinceBeat ||= hasFinished;
    }
  }
}
