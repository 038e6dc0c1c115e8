import type { Command } from 'commander';
import { print, type Terminal } from './terminal.js';
import { changeControlPlane } from './with-control-plane.js';

/** `secrets re-encrypt`. */
export function addSecretsCommands(program: Command, terminal: Terminal): void {
  const secrets = program.command('secrets').description('secrets that the control plane keeps under ENCRYPTION_KEY');

  secrets
    .command('re-encrypt')
    .description('encrypt all of them with the first key of ENCRYPTION_KEY, so that the others can go; may be repeated')
    .option('--json', 'print {"reEncrypted", "left"}; left: how many are under another key')
    .action(async ({ json }: { json?: true }) => {
      let left: readonly string[] = [];
      await changeControlPlane(terminal, async ({ storedSecrets }) => {
        const result = await storedSecrets.reEncrypt();
        const { reEncrypted } = result;
        ({ left } = result);
        const text = `Secrets encrypted with the first key now: ${reEncrypted}. Left under another key: ${left.length}.`;
        print(terminal, json, { reEncrypted, left: left.length }, text);
      });
      if (left.length > 0) {
        throw new Error(
          `These cannot be read, or were just written by an instance that has another first key: ${left.join('; ')}. ` +
            'Give every instance the same ENCRYPTION_KEY and repeat. Those whose key is lost have to be set again, or revoked.',
        );
      }
    });
}
