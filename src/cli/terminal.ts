import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';

/** What a command talks to. */
export interface Terminal {
  /** Where settings are read from; the environment of the process unless given. */
  readonly env?: Readonly<Record<string, string>>;
  /** Reads standard input to its end, without the line break that ends it; where there is none, commands cannot ask for it. */
  readonly in?: () => Promise<string>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** Writes a result: as one line of JSON for scripts, else as `text` for people. */
export function print(terminal: Terminal, json: boolean | undefined, result: unknown, text: string): void {
  terminal.out(`${json === true ? JSON.stringify(result) : text}\n`);
}

/** All of standard input, without the line break that ends it. */
export async function readStandardInput(): Promise<string> {
  return (await text(process.stdin)).replace(/\r?\n$/, '');
}

/** 144 bits in 24 characters. */
const RANDOM_BYTES = 18;

/** A password for a user, and whether it was made here, so that it must be shown. */
export interface NewPassword {
  readonly password: string;
  readonly isRandom: boolean;
}

/** Reads a password from standard input, or makes one. Never from the command line: others see that, and shells keep it. */
export async function newPassword(terminal: Terminal, fromStandardInput: boolean): Promise<NewPassword> {
  if (!fromStandardInput) return { password: randomBytes(RANDOM_BYTES).toString('base64url'), isRandom: true };
  if (terminal.in === undefined) {
    throw new Error('There is no standard input to read a password from. Leave out --password-stdin to have one made.');
  }
  return { password: await terminal.in(), isRandom: false };
}
