import { type Command, Option } from 'commander';
import {
  API_KEY_MODES,
  API_KEY_TYPES,
  type ApiKeyMode,
  type ApiKeySummary,
  type ApiKeyType,
  type CreatedApiKey,
} from '../tenants/api-key.js';
import { changeControlPlane, withControlPlane } from './with-control-plane.js';
import { print, type Terminal } from './terminal.js';

interface CreateOptions {
  tenant: string;
  name: string;
  type: ApiKeyType;
  mode: ApiKeyMode;
  allowedOrigin?: string[];
  requireSignedUserId?: true;
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
    .option('--allowed-origin <origin...>', 'for a public key: https://shop.example.com or https://*.example.com')
    .option('--require-signed-user-id', 'for a public key: take only user ids that the tenant has signed')
    .option('--json', 'print {"id", "name", "key"}, and "hmacSecret" of a public key')
    .action(
      async ({ tenant, json, allowedOrigin: allowedOrigins = [], requireSignedUserId, ...key }: CreateOptions) => {
        await changeControlPlane(terminal, async ({ apiKeys }) => {
          const created = await apiKeys.create({
            ...key,
            tenantId: tenant,
            allowedOrigins,
            requireSignedUserId: requireSignedUserId === true,
          });
          print(terminal, json, created, describeCreated(created));
        });
      },
    );

  key
    .command('list')
    .description("list a tenant's keys, without their text")
    .requiredOption('--tenant <slug>', 'the tenant')
    .option('--json', 'print a list of objects')
    .action(async ({ tenant, json }: { tenant: string; json?: true }) => {
      await withControlPlane(terminal, async (controlPlane) => {
        await controlPlane.tenants.require(tenant);
        const keys = await controlPlane.apiKeys.list(tenant);
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
      await changeControlPlane(terminal, async ({ apiKeys }) => {
        await apiKeys.revoke({ tenantId: tenant, id });
        print(terminal, json, { id }, `Revoked key ${id}.`);
      });
    });
}

function describeCreated({ id, name, key, hmacSecret }: CreatedApiKey): string {
  const lines = [`Created key "${name}" (${id}), shown only now:`, key];
  return (hmacSecret === undefined ? lines : [...lines, 'The secret to sign user ids with:', hmacSecret]).join('\n');
}

function describe({ id, prefix, lastFour, name, createdAt, lastUsedAt, revokedAt }: ApiKeySummary): string {
  const state = revokedAt === null ? 'valid' : `revoked ${revokedAt.toISOString()}`;
  const used = lastUsedAt === null ? 'never used' : `last used ${lastUsedAt.toISOString()}`;
  return [id, `${prefix}…${lastFour}`, name, `created ${createdAt.toISOString()}`, used, state].join('\t');
}
