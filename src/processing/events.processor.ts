import { Controller, Inject, Logger } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { Configuration } from '../config/configuration.js';
import { BatchMetrics } from '../metrics/worker.metrics.js';
import { type Delivery, EVENTS_V1 } from '../transport/event-batch.js';
import type { NewDeadLetter } from '../transport/dead-letters.js';
import type { BatchOutcome } from '../transport/event-transport.js';
import type { BatchRefusedError } from '../warehouse/warehouse.errors.js';
import type { StorableBatch } from '../warehouse/batch.writer.js';
import { EventWriter } from '../warehouse/event.writer.js';
import { BatchStorage } from './batch.storage.js';
import { Bisection } from './bisection.js';
import { DeadLetterRecorder } from './dead-letter.recorder.js';
import { inOneInsert, type InsertGroup, InsertGroups } from './insert.groups.js';
import { LagRecorder } from './lag.recorder.js';

interface EventsToStore extends StorableBatch {
  readonly isFirst: boolean;
}

/**
 * Stores batches of events, those that come at about the same time by one insert. It knows no queue: it says what became of a batch,
 * and the transport acts on that.
 */
@Controller()
export class EventsProcessor {
  private readonly logger = new Logger(EventsProcessor.name);
  private readonly storage: BatchStorage<EventsToStore>;
  private readonly bisection: Bisection;
  private readonly groups: InsertGroups;

  constructor(
    writer: EventWriter,
    private readonly deadLetters: DeadLetterRecorder,
    private readonly lag: LagRecorder,
    private readonly metrics: BatchMetrics,
    @Inject(Configuration) { workerConcurrency }: Pick<Configuration, 'workerConcurrency'>,
  ) {
    // What is tried again may be stored already: ClickHouse's answer can get lost.
    const store = ({ isFirst, ...batch }: EventsToStore, isFirstTry: boolean): Promise<void> =>
      writer.store(batch, { mayHaveCopies: !(isFirst && isFirstTry) });
    this.storage = new BatchStorage({ store }, { what: 'Events', maxWaiting: Infinity });
    // On a cluster one shard may have taken its part of what another one has refused.
    this.bisection = new Bisection((batch) => this.storage.store({ ...batch, isFirst: false }));
    const groupStore = {
      insert: (group: InsertGroup) => this.insert(group),
      bisect: (group: InsertGroup, refusal: BatchRefusedError) => this.bisect(group, refusal),
    };
    this.groups = new InsertGroups(groupStore, Math.ceil(workerConcurrency / 2));
  }

  /**
   * Returns when ClickHouse has committed the batch, but for the events that it refuses for good: these are dead letters, and their
   * tenants can read so. While ClickHouse is away the batch waits here: as many as are in hand keep trying, and the rest stays in
   * the queue.
   * @throws Error when the batch is to be delivered again: the process shuts down, or others were stored meanwhile
   */
  @EventPattern(EVENTS_V1)
  async store(@Payload() delivery: Delivery): Promise<BatchOutcome> {
    const outcome = await this.groups.add(delivery);
    if (outcome.deadLetters.length > 0) await this.record(outcome.deadLetters);
    this.lag.stored(delivery.batch);
    return outcome;
  }

  /** Waits for no more batches; for the rest see {@link BatchStorage.stopWaiting}. */
  stopWaiting(insertsWithinMs: number): void {
    this.groups.hurry();
    this.storage.stopWaiting(insertsWithinMs);
  }

  private async insert({ batches, isFirst }: InsertGroup): Promise<void> {
    const { id, rows } = inOneInsert(batches);
    await this.storage.store({ id, rows, isFirst });
    this.metrics.inserted({ events: batches.reduce((sum, { events }) => sum + events, 0), bytes: rows.byteLength });
  }

  private bisect({ batches }: InsertGroup, refusal: BatchRefusedError): ReturnType<Bisection['run']> {
    this.logger.warn(`Looking for events that are refused, in ${batches.length} batches. ${refusal.message}`);
    return this.bisection.run(batches, refusal);
  }

  private async record(letters: readonly NewDeadLetter[]): Promise<void> {
    for (const { batch, reason } of letters) {
      this.logger.error(`Dead letter ${batch.id} of ${batch.events} events. ${reason}`);
    }
    await this.deadLetters.record(letters);
  }
}
