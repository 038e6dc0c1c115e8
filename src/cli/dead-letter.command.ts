import type { Command } from 'commander';
import type { DeadLetters, DeadLetterSummary } from '../transport/dead-letters.js';
import { print } from './print.js';
import type { Terminal } from './terminal.js';
import { withDeadLetters } from './with-dead-letters.js';

/** As many as the queue can tell of in one answer. */
const LISTED = 1_000;

interface Choice {
  readonly tenant?: string;
  readonly json?: true;
}

/** `dead-letter list`, `dead-letter replay` and `dead-letter remove`. */
export function addDeadLetterCommands(program: Command, terminal: Terminal): void {
  const deadLetter = program.command('dead-letter').description('events that ClickHouse refused');

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
          await demand(deadLetters, id, tenant);
          confirm(await deadLetters.replay(id), id);
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
        await demand(deadLetters, id, tenant);
        confirm(await deadLetters.remove(id), id);
        print(terminal, json, { id }, `Removed dead letter ${id}.`);
      });
    });
}

/** Each once: one that is refused again comes back, as the youngest. @returns how many */
async function replayAll(deadLetters: DeadLetters, tenantId: string | undefined): Promise<number> {
  const seen = new Set<string>();
  let replayed = 0;
  for (;;) {
    const letters = await deadLetters.list({ tenantId, limit: LISTED });
    const unseen = letters.filter(({ id }) => !seen.has(id));
    if (unseen.length === 0) {
      return replayed;
    }
    for (const { id } of unseen) {
      seen.add(id);
      if (await deadLetters.replay(id)) replayed++;
    }
  }
}

/** @throws Error when there is no such letter, or it is not the tenant's */
async function demand(deadLetters: DeadLetters, id: string, tenantId: string | undefined): Promise<void> {
  const letter = await deadLetters.get(id);
  confirm(letter !== undefined && (tenantId === undefined || letter.tenantId === tenantId), id);
}

function confirm(exists: boolean, id: string): void {
  if (!exists) {
    throw new Error(`There is no dead letter "${id}". See \`segops dead-letter list\`.`);
  }
}

function toJson({ id, tenantId, type, events, reason, diedAt }: DeadLetterSummary) {
  return { id, tenant: tenantId ?? null, type, events, reason, diedAt: new Date(diedAt).toISOString() };
}

function describe({ id, tenantId, events, reason, diedAt }: DeadLetterSummary): string {
  return [id, new Date(diedAt).toISOString(), tenantId ?? '(several tenants)', `events: ${events}`, reason].join('\t');
}
