import { type Command, Option } from 'commander';
import {
  API_KEY_MODES,
  API_KEY_TYPES,
  type ApiKeyMode,
  type ApiKeySummary,
  type ApiKeyType,
} from '../tenants/api-key.js';
import { print } from './print.js';
import type { Terminal } from './terminal.js';
import { withTenants } from './with-tenants.js';

interface CreateOptions {
  tenant: string;
  name: string;
  type: ApiKeyType;
  mode: ApiKeyMode;
  json?: true;
}

/** `key create`, `key list` and `key revoke`. */
export function addKeyCommands(program: Command, terminal: Terminal): void {
  const key = program.command('key').description('API keys');
  key
    .command('create')
    .description('create an API key; it is shown once')
    .requiredOption('--tenant <slug>', 'the tenant it belongs to')
    .requiredOption('--name <name>', 'what it is for')
    .addOption(
      new Option('--type <type>', 'for servers (secret) or for apps (public)').choices(API_KEY_TYPES).default('secret'),
    )
    .addOption(new Option('--mode <mode>', 'live or test').choices(API_KEY_MODES).default('live'))
    .option('--json', 'print {"id", "name", "key"}')
    .action(async ({ tenant, name, type, mode, json }: CreateOptions) => {
      await withTenants(terminal, async (_, apiKeys) => {
        const created = await apiKeys.create({ tenantId: tenant, name, type, mode });
        print(terminal, json, created, `Created key "${name}" (${created.id}), shown only now:\n${created.key}`);
      });
    });

  key
    .command('list')
    .description("list a tenant's keys, without their text")
    .requiredOption('--tenant <slug>', 'the tenant')
    .option('--json', 'print a list of objects')
    .action(async ({ tenant, json }: { tenant: string; json?: true }) => {
      await withTenants(terminal, async (_, apiKeys) => {
        const keys = await apiKeys.list(tenant);
        const text = keys.length === 0 ? `The tenant "${tenant}" has no keys.` : keys.map(describe).join('\n');
        print(terminal, json, keys, text);
      });
    });

  key
    .command('revoke')
    .description('end a key for good; every instance refuses it from then on')
    .argument('<id>', "the key's id, as `key list` shows it")
    .requiredOption('--tenant <slug>', 'the tenant it belongs to')
    .option('--json', 'print {"id"}')
    .action(async (id: string, { tenant, json }: { tenant: string; json?: true }) => {
      await withTenants(terminal, async (_, apiKeys) => {
        await apiKeys.revoke({ tenantId: tenant, id });
        print(terminal, json, { id }, `Revoked key ${id}.`);
      });
    });
}

function describe({ id, prefix, lastFour, name, createdAt, revokedAt }: ApiKeySummary): string {
  const state = revokedAt === null ? 'valid' : `revoked ${revokedAt.toISOString()}`;
  return [id, `${prefix}…${lastFour}`, name, `created ${createdAt.toISOString()}`, state].join('\t');
}
