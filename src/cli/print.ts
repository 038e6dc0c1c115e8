import type { Terminal } from './terminal.js';

/** Writes a result: as one line of JSON for scripts, else as `text` for people. */
export function print(terminal: Terminal, json: boolean | undefined, result: unknown, text: string): void {
  terminal.out(`${json === true ? JSON.stringify(result) : text}\n`);
}
