import { text } from 'node:stream/consumers';

/** All of standard input, without the line break that ends it. */
export async function readStandardInput(): Promise<string> {
  return (await text(process.stdin)).replace(/\r?\n$/, '');
}
