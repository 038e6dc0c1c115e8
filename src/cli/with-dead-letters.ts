import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OperatorError } from '../common/operator.error.js';
import { loadConfiguration } from '../config/load-configuration.js';
import type { DeadLetters } from '../transport/dead-letters.js';
import type { EventTransport } from '../transport/event-transport.js';
import type { Terminal } from './terminal.js';

/** A client of Pub/Sub takes some seconds to its first answer where the processors are busy. */
const CONNECT_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 20;

/** Runs `work` on the dead letters of the queue that the service uses, and lets go of it again. */
export async function withDeadLetters(
  terminal: Terminal,
  work: (deadLetters: DeadLetters) => Promise<void>,
): Promise<void> {
  const { createTransport } = await import('../transport/create-transport.js');
  const { TransportUnavailableError } = await import('../transport/event-transport.js');
  const { Spool } = await import('../transport/spool/spool.js');
  const configuration = loadConfiguration(terminal.env, [
    ...['transport', 'redisUrl', 'queuePrefix', 'dataDir'],
    ...['pubsubProject', 'pubsubTopic', 'pubsubSubscription', 'pubsubEmulatorHost'],
  ] as const);
  const { dataDir } = configuration;
  // Opening makes a new one, which has no dead letters.
  if (configuration.transport === 'spool' && !existsSync(join(dataDir, 'spool'))) {
    throw new OperatorError(`There is no spool in ${resolve(dataDir)}. Set DATA_DIR as the service has it.`);
  }
  // A spool behind the broker is for what requests bring in.
  const spool = configuration.transport === 'spool' ? Spool.openQueue(configuration) : null;
  const transport = await createTransport(configuration, spool);
  try {
    await connected(transport);
    await work(transport.deadLetters);
  } catch (error) {
    throw error instanceof TransportUnavailableError
      ? new OperatorError(`${error.message}. Check that the queue runs, and REDIS_URL.`)
      : error;
  } finally {
    await transport.close();
    await spool?.close();
  }
}

/**
 * The first connections are made in the background: with Pub/Sub one to it, and one to the Redis that keeps its dead letters.
 * @throws TransportUnavailableError when they are not there in time
 */
async function connected(transport: EventTransport): Promise<void> {
  const deadline = performance.now() + CONNECT_WITHIN_MS;
  for (;;) {
    try {
      await Promise.all([transport.status(), transport.deadLetters.list({ limit: 1 })]);
      return;
    } catch (error) {
      if (performance.now() > deadline) {
        throw error;
      }
      await sleep(LOOK_EVERY_MS);
    }
  }
}
