import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { InvalidArgumentError } from 'commander';

/** The settings, input and output of a command. */
export interface Terminal {
  /** The settings; by default the environment of the process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Reads standard input, without the line break at its end; undefined where there is none. */
  readonly in?: () => Promise<string>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** Writes a result: one line of JSON for scripts, or `text` for people. */
export function print(terminal: Terminal, json: boolean | undefined, result: unknown, text: string): void {
  terminal.out(`${json === true ? JSON.stringify(result) : text}\n`);
}

/** All of standard input, without the line break that ends it. */
export async function readStandardInput(): Promise<string> {
  return (await text(process.stdin)).replace(/\r?\n$/, '');
}

/** 144 bits in 24 characters. */
const RANDOM_BYTES = 18;

/** A password, and whether it was made here and must be shown. */
interface NewPassword {
  readonly password: string;
  readonly isRandom: boolean;
}

/** Reads a password from standard input, or makes one. The command line would show it to other users and keep it in a history. */
export async function newPassword(terminal: Terminal, fromStandardInput: boolean): Promise<NewPassword> {
  if (!fromStandardInput) return { password: randomBytes(RANDOM_BYTES).toString('base64url'), isRandom: true };
  if (terminal.in === undefined) {
    throw new Error('There is no standard input to read a password from. Leave out --password-stdin to have one made.');
  }
  return { password: await terminal.in(), isRandom: false };
}

/** Parses an option of commander that is a whole number. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= min && number <= max) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}
