import type { BatchHandler, ConsumeOptions, Consumption, EventTransport } from '../../src/transport/event-transport.js';
import { waitUntil } from '../support/wait-until.js';

/** A real queue of its own for one test, whatever keeps it. */
export interface TestQueue {
  /** A new transport to the same, otherwise unused, queue. Each call is another user's view of it. */
  connect(): EventTransport;
  /**
   * Ends whatever keeps the batches as a crash would, so that nothing it still held in memory is written, and starts it again
   * with what is on disk. Transports of before may be of no use after it.
   */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

/** A queue that a server of its own keeps, which can go away while transports stay. */
export interface TestBroker extends TestQueue {
  kill(): Promise<void>;
  /** Starts it again with what it has on disk. */
  restart(): Promise<void>;
  /** Freezes it: connections stay open, nothing answers. */
  pause(): void;
  resume(): void;
}

/** Starts a queue before each test, and after it ends all that was opened on it. */
export class QueueBench<Q extends TestQueue> {
  queue!: Q;
  private readonly consumptions: Consumption[] = [];
  private readonly transports: EventTransport[] = [];

  constructor(start: () => Promise<Q>) {
    beforeEach(async () => {
      this.queue = await start();
    });
    afterEach(async () => {
      await Promise.all(this.consumptions.splice(0).map((consumption) => consumption.close()));
      await Promise.all(this.transports.splice(0).map((connected) => connected.close()));
      await this.queue.stop();
    });
  }

  async connect(): Promise<EventTransport> {
    const connected = this.queue.connect();
    this.transports.push(connected);
    await untilReady(connected);
    return connected;
  }

  async consume(on: EventTransport, handler: BatchHandler, options: ConsumeOptions): Promise<Consumption> {
    const consumption = await on.consume(handler, options);
    this.consumptions.push(consumption);
    return consumption;
  }
}

/** Resolves when the queue tells what waits in it. */
export async function untilReady(ready: EventTransport): Promise<void> {
  await waitUntil(
    () =>
      ready.status().then(
        ({ pending }) => pending !== undefined,
        () => false,
      ),
    { timeoutMs: 15_000 },
  );
}
