import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { OperatorError } from '../common/operator.error.js';
import { loadConfiguration } from '../config/load-configuration.js';
import type { DeadLetters, DeadLetterSummary } from '../transport/dead-letters.js';
import type { EventTransport } from '../transport/event-transport.js';
import { print, type Terminal } from './terminal.js';

/** The most that the queue lists at once. */
const LISTED = 1_000;

interface Choice {
  readonly tenant?: string;
  readonly json?: true;
}

/** `dead-letter list`, `dead-letter replay` and `dead-letter remove`. */
export function addDeadLetterCommands(program: Command, terminal: Terminal): void {
  const deadLetter = program.command('dead-letter').description('events that ClickHouse rejected');

  deadLetter
    .command('list')
    .description(`list them, oldest first, ${LISTED} at most`)
    .option('--tenant <slug>', 'only those of this tenant')
    .option('--json', 'print a list of objects')
    .action(async ({ tenant, json }: Choice) => {
      await withDeadLetters(terminal, async (deadLetters) => {
        const letters = await deadLetters.list({ tenantId: tenant, limit: LISTED });
        const text = letters.length === 0 ? 'There are no dead letters.' : letters.map(describe).join('\n');
        print(terminal, json, letters.map(toJson), text);
      });
    });

  deadLetter
    .command('replay')
    .description('put one or all into the queue again; each event is stored once, however often this is done')
    .argument('[id]', 'its id, as `dead-letter list` shows it')
    .option('--all', 'all there are now')
    .option('--tenant <slug>', 'only if it belongs to this tenant; with --all only those that do')
    .option('--json', 'print {"replayed"}')
    .action(async (id: string | undefined, { all, tenant, json }: Choice & { all?: true }) => {
      if ((id === undefined) === (all === undefined)) {
        throw new Error('Name one dead letter by its id, or all of them with --all.');
      }
      await withDeadLetters(terminal, async (deadLetters) => {
        const replayed = id === undefined ? await replayAll(deadLetters, tenant) : 1;
        if (id !== undefined) {
          await requireLetter(deadLetters, id, tenant);
          requireExists(await deadLetters.replay(id), id);
        }
        print(terminal, json, { replayed }, `Dead letters put into the queue again: ${replayed}.`);
      });
    });

  deadLetter
    .command('remove')
    .description('give its events up for good')
    .argument('<id>', 'its id, as `dead-letter list` shows it')
    .option('--tenant <slug>', 'only if it belongs to this tenant')
    .option('--json', 'print {"id"}')
    .action(async (id: string, { tenant, json }: Choice) => {
      await withDeadLetters(terminal, async (deadLetters) => {
        await requireLetter(deadLetters, id, tenant);
        requireExists(await deadLetters.remove(id), id);
        print(terminal, json, { id }, `Removed dead letter ${id}.`);
      });
    });
}

/** Replays each once: a rejected one comes back as the youngest. @returns how many */
async function replayAll(deadLetters: DeadLetters, tenantId: string | undefined): Promise<number> {
  const seen = new Set<string>();
  let replayed = 0;
  for (;;) {
    const letters = await deadLetters.list({ tenantId, limit: LISTED });
    const unseen = letters.filter(({ id }) => !seen.has(id));
    if (unseen.length === 0) return replayed;
    for (const { id } of unseen) {
      seen.add(id);
      if (await deadLetters.replay(id)) replayed++;
    }
  }
}

/** @throws Error when there is no such letter, or it is not the tenant's */
async function requireLetter(deadLetters: DeadLetters, id: string, tenantId: string | undefined): Promise<void> {
  const letter = await deadLetters.get(id);
  requireExists(letter !== undefined && (tenantId === undefined || letter.tenantId === tenantId), id);
}

function requireExists(exists: boolean, id: string): void {
  if (!exists) throw new Error(`There is no dead letter "${id}". See \`segops dead-letter list\`.`);
}

function toJson({ id, tenantId, type, events, reason, diedAt }: DeadLetterSummary) {
  return { id, tenant: tenantId ?? null, type, events, reason, diedAt: new Date(diedAt).toISOString() };
}

function describe({ id, tenantId, events, reason, diedAt }: DeadLetterSummary): string {
  return [id, new Date(diedAt).toISOString(), tenantId ?? '(several tenants)', `events: ${events}`, reason].join('\t');
}

/** A client of Pub/Sub takes some seconds to its first answer on a busy machine. */
const CONNECT_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 20;

/** Runs `work` on the dead letters of the service's queue, and closes the connection again. */
async function withDeadLetters(terminal: Terminal, work: (deadLetters: DeadLetters) => Promise<void>): Promise<void> {
  const { createTransport } = await import('../transport/create-transport.js');
  const { TransportUnavailableError } = await import('../transport/event-transport.js');
  const { Spool } = await import('../transport/spool/spool.js');
  const configuration = loadConfiguration(terminal.env, [
    ...['transport', 'redisUrl', 'queuePrefix', 'dataDir'],
    ...['pubsubProject', 'pubsubTopic', 'pubsubSubscription', 'pubsubEmulatorHost'],
  ] as const);
  const { dataDir } = configuration;
  // Opening would make a new one.
  if (configuration.transport === 'spool' && !existsSync(join(dataDir, 'spool'))) {
    throw new OperatorError(`There is no spool in ${resolve(dataDir)}. Set DATA_DIR as the service has it.`);
  }
  // With a broker the dead letters are in the broker.
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
 * Waits for connections, which are made in the background: with Pub/Sub also to the Redis that keeps its dead letters.
 * @throws TransportUnavailableError when they are not there in time
 */
async function connected(transport: EventTransport): Promise<void> {
  const deadline = performance.now() + CONNECT_WITHIN_MS;
  for (;;) {
    try {
      await Promise.all([transport.status(), transport.deadLetters.list({ limit: 1 })]);
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(LOOK_EVERY_MS);
    }
  }
}
