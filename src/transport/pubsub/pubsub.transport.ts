import type { PubSub, Topic } from '@google-cloud/pubsub';
import { Logger } from '@nestjs/common';
import { withDeadline } from '../../common/deadline.js';
import { failFastConnection, type RedisAccess } from '../../common/redis.connections.js';
import type { EventBatch } from '../event-batch.js';
import {
  type BatchHandler,
  BatchRejectedError,
  type ConsumeOptions,
  type Consumption,
  EventTransport,
  PUBLISH_TIMEOUT_MS,
  STATUS_TIMEOUT_MS,
  type TransportStatus,
  TransportUnavailableError,
} from '../event-transport.js';
import { RedisDeadLetters } from '../redis/redis.dead-letters.js';
import { RedisNotes } from '../redis/redis.notes.js';
import type { PublishOptions, RetryNote } from '../retry-notes.js';
import { BacklogCount } from './backlog.count.js';
import { encodeBatchMessage } from './batch-message.codec.js';
import { onceWithin } from './once-within.js';
import { createPubSubClient, type PubSubClientOptions } from './pubsub.client.js';
import { PubSubConsumption } from './pubsub.consumption.js';
import type { PubSubNames } from './pubsub.names.js';
import { isInvalid, isRefused, remedyFor } from './pubsub.problem.js';

/** Pub/Sub allows some hundred such questions a second and project; health and metrics of many processes ask. */
const TOPIC_KNOWN_FOR_MS = 1_000;

/** With the Redis in which dead letters are kept, and instances count what waits. */
export interface PubSubTransportOptions extends PubSubClientOptions, PubSubNames, RedisAccess {}

/** Batches as messages of a Google Pub/Sub topic: on the disks of at least two zones when a publish is answered. */
export class PubSubTransport extends EventTransport {
  readonly deadLetters: RedisDeadLetters;
  private readonly client: PubSub;
  private readonly topic: Topic;
  /** The same topic, for messages that share no request with others. */
  private readonly topicAlone: Topic;
  private readonly redis;
  private readonly backlogCount: BacklogCount;
  private readonly notes: RedisNotes;
  private topicAnswer: Promise<void> | undefined;

  constructor(private readonly options: PubSubTransportOptions) {
    super();
    this.client = createPubSubClient(options);
    this.topic = this.client.topic(options.topic, {
      // Events were gathered into batches already; batches that come at once share a request, of 10 MB at most.
      batching: { maxMessages: 100, maxBytes: 4_000_000, maxMilliseconds: 1 },
      gaxOpts: onceWithin(PUBLISH_TIMEOUT_MS),
    });
    this.topicAlone = this.client.topic(options.topic, {
      batching: { maxMessages: 1 },
      gaxOpts: onceWithin(PUBLISH_TIMEOUT_MS),
    });
    this.redis = failFastConnection(options, new Logger(PubSubTransport.name));
    this.backlogCount = new BacklogCount(this.redis, (name) => `${options.prefix}:pubsub:${name}`);
    this.deadLetters = new RedisDeadLetters(
      this.redis,
      // As with BullMQ, so that dead letters survive a change of transport.
      (name) => `${options.prefix}:events:${name}`,
      async (batch) => {
        await this.publish(batch);
      },
    );
    this.notes = new RedisNotes(this.redis, (name) => `${options.prefix}:events:${name}`);
  }

  async publish(batch: EventBatch, options: PublishOptions = {}): Promise<readonly RetryNote[]> {
    const startedAt = performance.now();
    const older = await this.notes.keep(options);
    if (older.length > 0) return older;
    const message = await encodeBatchMessage(batch);
    await this.ask('take a batch', PUBLISH_TIMEOUT_MS - (performance.now() - startedAt), async () => {
      try {
        await this.topic.publishMessage(message);
      } catch (error) {
        if (!isInvalid(error)) throw error;
        // Another message of the same request may be the reason.
        await this.topicAlone.publishMessage(message);
      }
    });
    this.backlogCount.published(batch);
    return [];
  }

  forget(answered: readonly RetryNote[]): Promise<void> {
    return this.notes.forget(answered);
  }

  consume(handler: BatchHandler, options: ConsumeOptions): Promise<Consumption> {
    const { backlogCount, deadLetters } = this;
    const outlets = { backlogCount, deadLetters };
    return Promise.resolve(new PubSubConsumption(this.client, this.options, outlets, handler, options));
  }

  /** Without Redis it still tells whether Pub/Sub takes batches, which do not need it. */
  async status(): Promise<TransportStatus> {
    const [backlog] = await Promise.all([this.backlogCount.read().catch(() => undefined), this.askForTopic()]);
    return {
      consumers: backlog?.consumers,
      pending: backlog?.pending,
      oldestPendingMs: backlog?.oldestPendingMs,
      oldestPendingAt: backlog?.oldestPendingAt,
      lastFinishedMsAgo: backlog?.lastFinishedMsAgo,
    };
  }

  async close(): Promise<void> {
    await this.backlogCount.tell();
    this.redis.disconnect();
    await this.client.close();
  }

  /** Resolves when the topic is there, or lately was. */
  private askForTopic(): Promise<void> {
    if (this.topicAnswer !== undefined) return this.topicAnswer;
    const answer = this.ask('tell whether the topic is there', STATUS_TIMEOUT_MS, () =>
      this.topic.getMetadata(onceWithin(STATUS_TIMEOUT_MS)),
    );
    this.topicAnswer = answer;
    const forget = (): void => {
      if (this.topicAnswer === answer) this.topicAnswer = undefined;
    };
    answer.then(() => setTimeout(forget, TOPIC_KNOWN_FOR_MS).unref(), ignore);
    return answer;
  }

  private async ask(what: string, timeoutMs: number, question: () => Promise<unknown>): Promise<void> {
    try {
      await withDeadline(question(), timeoutMs, () => new Error(`no answer within ${Math.round(timeoutMs)} ms`));
    } catch (cause) {
      // What it was before, the next question does not want to know.
      this.topicAnswer = undefined;
      if (isInvalid(cause)) {
        throw new BatchRejectedError(`Pub/Sub will never ${what} like this: ${remedyFor(cause)}`, { cause });
      }
      throw new TransportUnavailableError(`Pub/Sub cannot ${what}: ${remedyFor(cause)}`, {
        cause,
        mayBeDone: !isRefused(cause),
      });
    }
  }
}

function ignore(): void {
  // Whoever asked is told.
}
