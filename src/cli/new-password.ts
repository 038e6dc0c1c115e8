import { randomBytes } from 'node:crypto';
import type { Terminal } from './terminal.js';

/** 144 bits in 24 characters. */
const RANDOM_BYTES = 18;

/** A password for a user, and whether it was made here, so that it must be shown. */
export interface NewPassword {
  readonly password: string;
  readonly isRandom: boolean;
}

/** Reads a password from standard input, or makes one. Never from the command line: others see that, and shells keep it. */
export async function newPassword(terminal: Terminal, fromStandardInput: boolean): Promise<NewPassword> {
  if (!fromStandardInput) {
    return { password: randomBytes(RANDOM_BYTES).toString('base64url'), isRandom: true };
  }
  if (terminal.in === undefined) {
    throw new Error('There is no standard input to read a password from. Leave out --password-stdin to have one made.');
  }
  return { password: await terminal.in(), isRandom: false };
}
