import { type Command, Option } from 'commander';
import { API_KEY_MODES, API_KEY_TYPES, type ApiKeyMode, type ApiKeyType } from '../tenants/api-key.js';
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

/** `key create`. */
export function addKeyCommands(program: Command, terminal: Terminal): void {
  program
    .command('key')
    .description('API keys')
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
}
