import type { Command } from 'commander';
import type { User } from '../tenants/user.js';
import { changeControlPlane, withControlPlane } from './with-control-plane.js';
import { newPassword, print, type Terminal } from './terminal.js';

const PASSWORD_OPTION = [
  '--password-stdin',
  'read the password from standard input; without this one is made and shown once',
] as const;

interface PasswordOptions {
  passwordStdin?: true;
  json?: true;
}

/** `user create`, `user list`, `user set-password` and `user remove`. */
export function addUserCommands(program: Command, terminal: Terminal): void {
  const user = program.command('user').description('people who log in and work for a tenant');

  user
    .command('create')
    .description('create a user')
    .argument('<email>', 'the address to log in with')
    .requiredOption('--tenant <slug>', 'the tenant the user works for')
    .option(...PASSWORD_OPTION)
    .option('--json', 'print {"id", "email", "tenant"}, and "password" when it was made')
    .action(async (email: string, { tenant, passwordStdin, json }: PasswordOptions & { tenant: string }) => {
      const { password, isRandom } = await newPassword(terminal, passwordStdin === true);
      await changeControlPlane(terminal, async ({ users }) => {
        const created = await users.create({ tenantId: tenant, email, password });
        const result = { id: created.id, email: created.email, tenant, ...(isRandom ? { password } : {}) };
        const text = `Created user ${created.email} of tenant ${tenant}`;
        print(terminal, json, result, isRandom ? `${text}. The password, shown only now:\n${password}` : `${text}.`);
      });
    });

  user
    .command('list')
    .description("list a tenant's users")
    .requiredOption('--tenant <slug>', 'the tenant')
    .option('--json', 'print a list of objects')
    .action(async ({ tenant, json }: { tenant: string; json?: true }) => {
      await withControlPlane(terminal, async (controlPlane) => {
        await controlPlane.tenants.require(tenant);
        const all = await controlPlane.users.list(tenant);
        const text = all.length === 0 ? `The tenant "${tenant}" has no users.` : all.map(describe).join('\n');
        print(terminal, json, all, text);
      });
    });

  user
    .command('set-password')
    .description("replace a user's password and end all logins of the user")
    .argument('<email>', "the user's address")
    .option(...PASSWORD_OPTION)
    .option('--json', 'print {"email"}, and "password" when it was made')
    .action(async (email: string, { passwordStdin, json }: PasswordOptions) => {
      const { password, isRandom } = await newPassword(terminal, passwordStdin === true);
      await changeControlPlane(terminal, async ({ users }) => {
        await users.setPassword(email, password);
        const result = { email, ...(isRandom ? { password } : {}) };
        const text = `Set the password of ${email}, whose logins have ended.`;
        print(terminal, json, result, isRandom ? `${text} The password, shown only now:\n${password}` : text);
      });
    });

  user
    .command('remove')
    .description('remove a user and end all logins of the user')
    .argument('<email>', "the user's address")
    .option('--json', 'print {"email"}')
    .action(async (email: string, { json }: { json?: true }) => {
      await changeControlPlane(terminal, async ({ users }) => {
        await users.remove(email);
        print(terminal, json, { email }, `Removed user ${email}, whose logins have ended.`);
      });
    });
}

function describe({ id, email, createdAt }: User): string {
  return [id, email, `created ${createdAt.toISOString()}`].join('\t');
}
