import type { Duplex } from 'node:stream';
import { createIORedisClient, type Processor, Worker, type WorkerOptions } from 'bullmq';
import type { Redis } from 'ioredis';
import { rowsKey } from './batch.job.js';

/** Places in the arguments of BullMQ's script `moveToFinished`: 14 keys, then the job's id, and these. */
const FINISHED = { jobId: 14, target: 18, queueKey: 20 } as const;

interface BatchWorkerOptions extends Omit<WorkerOptions, 'connection'> {
  /** Nobody else's. */
  readonly connection: Redis;
}

/**
 * A worker that removes the rows of a job right before the job itself. A crash in between leaves a job without rows, which are
 * stored. What it asks Redis in one turn of the event loop leaves in one message: jobs that one insert has stored end together.
 */
export class BatchWorker extends Worker {
  private readonly connectionOfRows: Redis;
  private corked: Duplex | undefined;

  constructor(name: string, processor: Processor, { connection, ...options }: BatchWorkerOptions) {
    const client = createIORedisClient(connection);
    super(name, processor, { ...options, connection: client });
    this.connectionOfRows = connection;
    const runCommand = client.runCommand.bind(client);
    client.runCommand = (command, args: unknown[]) => {
      this.gather();
      if (command.startsWith('moveToFinished:') && args[FINISHED.target] === 'completed') {
        const key = rowsKey(String(args[FINISHED.queueKey]), String(args[FINISHED.jobId]));
        // When it fails the next command does too, and both come again.
        connection.del(key).catch(() => undefined);
      }
      return runCommand(command, args);
    };
  }

  /** The rows of a job; undefined when they are stored. Waits while Redis is away. */
  async rowsOf(jobId: string): Promise<Buffer | undefined> {
    this.gather();
    return (await this.connectionOfRows.getBuffer(rowsKey(this.toKey(''), jobId))) ?? undefined;
  }

  private gather(): void {
    const { stream, status } = this.connectionOfRows as unknown as {
      readonly stream?: Duplex;
      readonly status: string;
    };
    if (stream === undefined || status !== 'ready' || this.corked === stream) return;
    this.corked = stream;
    stream.cork();
    setImmediate(() => {
      if (this.corked === stream) this.corked = undefined;
      stream.uncork();
    });
  }
}
