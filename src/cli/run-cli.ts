import { Command, CommanderError } from 'commander';
import { messageOf } from '../common/operator.error.js';
import { addDeadLetterCommands } from './dead-letter.command.js';
import { addKeyCommands } from './key.command.js';
import { addMigrateCommand } from './migrate.command.js';
import { addPlanCommands, addTenantCommands } from './tenant.command.js';
import { addPubSubCommands } from './pubsub.command.js';
import { addSecretsCommands } from './secrets.command.js';
import { addSeedCommand } from './seed.command.js';
import { addShopifyCommands } from './shopify.command.js';
import type { Terminal } from './terminal.js';
import { addUserCommands } from './user.command.js';

/**
 * Runs one command, given as words.
 * @returns the exit code: 0, or 1 after one line on `terminal.err` that says what went wrong.
 */
export async function runCli(words: readonly string[], terminal: Terminal): Promise<number> {
  const program = new Command('segops')
    .description('Administration of SegOps Ingestion. Reads the same settings as the service.')
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err });
  for (const add of [
    addSeedCommand,
    addTenantCommands,
    addPlanCommands,
    addUserCommands,
    addKeyCommands,
    addShopifyCommands,
    addSecretsCommands,
    addMigrateCommand,
    addPubSubCommands,
    addDeadLetterCommands,
  ]) {
    add(program, terminal);
  }
  try {
    await program.parseAsync(words, { from: 'user' });
    return 0;
  } catch (error) {
    // Commander has already written the message.
    if (error instanceof CommanderError) return error.exitCode;
    terminal.err(`error: ${messageOf(error)}\n`);
    return 1;
  }
}
