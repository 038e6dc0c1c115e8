import {
  Duration,
  type Message,
  type PubSub,
  SubscriptionCloseBehaviors,
  type Subscription,
} from '@google-cloud/pubsub';
import { Logger } from '@nestjs/common';
import pLimit from 'p-limit';
import { withDeadline } from '../../common/deadline.js';
import type { EventBatch } from '../event-batch.js';
import type { ConsumeOptions, Consumption } from '../event-transport.js';
import { redeliveryDelay } from '../redelivery-delay.js';
import { decodeBatchMessage } from './batch-message.codec.js';
import { remedyFor } from './pubsub.problem.js';

/**
 * Batches that could not be handled wait here for their next attempt and keep their lease, beside those in hand: given back
 * to Pub/Sub they would return at once, and each return counts towards the attempts after which it gives a message up. What
 * is beyond is given back all the same.
 */
const HELD_AT_MOST = 100;
/** A lease is extended until the batch is finished: as long as Pub/Sub keeps a message by default. */
const LEASED_AT_MOST = Duration.from({ hours: 7 * 24 });
/** A batch is finished in well under a second. When its worker is killed, it comes to another after this at the latest. */
const LEASE_AT_MOST = Duration.from({ seconds: 20 });
const REOPEN_AFTER_MS = 2_000;
/** What was finished last is told within this; what is not is delivered again. */
const GOODBYE_WITHIN_MS = 3_000;
const LOOK_AT_UNREADABLE_AGAIN_AFTER_MS = 30_000;

/**
 * Takes messages from one subscription. A message is acknowledged when `handle` returned, kept and tried again later when it
 * threw, and given back on `close`. Its lease is extended for all that time.
 */
export class SubscriptionReader implements Consumption {
  private readonly logger = new Logger(SubscriptionReader.name);
  private readonly subscription: Subscription;
  private readonly limit: ReturnType<typeof pLimit>;
  private readonly waiting = new Set<Message>();
  private readonly held = new Map<Message, NodeJS.Timeout>();
  private readonly inHand = new Set<Promise<void>>();
  private reopening: NodeJS.Timeout | undefined;
  private isClosing = false;
  private isBroken = false;

  constructor(
    client: PubSub,
    name: string,
    private readonly handle: (batch: EventBatch) => Promise<void>,
    { concurrency }: ConsumeOptions,
  ) {
    this.limit = pLimit(concurrency);
    this.subscription = client.subscription(name, {
      // Some wait here for a free hand, so that none waits for the network.
      flowControl: { maxMessages: 2 * concurrency + HELD_AT_MOST },
      maxExtensionTime: LEASED_AT_MOST,
      maxAckDeadline: LEASE_AT_MOST,
      batching: { maxMilliseconds: 10 },
      streamingOptions: { retryMaxBackoff: Duration.from({ seconds: 2 }) },
      closeOptions: { behavior: SubscriptionCloseBehaviors.WaitForProcessing },
    });
    this.subscription.on('message', (message) => void this.receive(message));
    this.subscription.on('error', (error) => {
      this.onBroken(error);
    });
    this.subscription.on('close', () => {
      this.reopenLater();
    });
  }

  /** Whether it has any message that is not finished. */
  get isBusy(): boolean {
    return this.waiting.size + this.held.size + this.inHand.size > 0;
  }

  async close(): Promise<void> {
    this.isClosing = true;
    clearTimeout(this.reopening);
    // Ends the stream at once, and resolves when every message is acknowledged or given back.
    const closed = this.subscription.close().catch(() => undefined);
    for (const timer of this.held.values()) clearTimeout(timer);
    for (const message of [...this.waiting, ...this.held.keys()]) message.nack();
    this.waiting.clear();
    this.held.clear();
    await Promise.allSettled(this.inHand);
    await withDeadline(closed, GOODBYE_WITHIN_MS, () => new Error('no answer')).catch(() => undefined);
  }

  private async receive(message: Message): Promise<void> {
    this.isBroken = false;
    // Before anything is awaited, so that `close` knows it.
    this.waiting.add(message);
    const batch = await decodeBatchMessage(message);
    if (batch === undefined) this.leaveUnreadable(message);
    else await this.attempt(message, batch, 1);
  }

  private async attempt(message: Message, batch: EventBatch, attempts: number): Promise<void> {
    await this.limit(async () => {
      // Given back meanwhile.
      if (!this.waiting.delete(message)) return;
      const handling = this.finish(message, batch, attempts);
      this.inHand.add(handling);
      await handling;
      this.inHand.delete(handling);
    });
  }

  /** Never rejects. */
  private async finish(message: Message, batch: EventBatch, attempts: number): Promise<void> {
    try {
      await this.handle(batch);
    } catch {
      this.retryLater(message, batch, attempts);
      return;
    }
    // Fails only on subscriptions with exactly-once delivery. It is delivered again then, and handled once more.
    await message.ackWithResponse().catch((error: unknown) => {
      this.logger.warn(`Batch ${batch.id} may be delivered again. Pub/Sub did not take its end: ${String(error)}`);
    });
  }

  private retryLater(message: Message, batch: EventBatch, attempts: number): void {
    if (this.isClosing || this.held.size >= HELD_AT_MOST) {
      message.nack();
      return;
    }
    this.hold(message, redeliveryDelay(attempts), () => {
      this.waiting.add(message);
      void this.attempt(message, batch, attempts + 1);
    });
  }

  /** Somebody else put it there. After some attempts Pub/Sub moves it to its dead letters; there it stays. */
  private leaveUnreadable(message: Message): void {
    if (!this.waiting.delete(message)) return;
    this.logger.error(
      `Message ${message.id} in ${this.subscription.name} does not hold a batch of events, and is left there.`,
    );
    this.hold(message, LOOK_AT_UNREADABLE_AGAIN_AFTER_MS, () => {
      message.nack();
    });
  }

  private hold(message: Message, ms: number, next: () => void): void {
    const timer = setTimeout(() => {
      this.held.delete(message);
      next();
    }, ms);
    this.held.set(message, timer);
  }

  /** Of errors that may pass, the library says nothing and tries again itself. */
  private onBroken(error: unknown): void {
    if (!this.isBroken) this.logger.error(`No events come from ${this.subscription.name}. ${remedyFor(error)}`);
    this.isBroken = true;
  }

  private reopenLater(): void {
    if (this.isClosing) return;
    this.reopening = setTimeout(() => {
      this.subscription.open();
    }, REOPEN_AFTER_MS);
  }
}
