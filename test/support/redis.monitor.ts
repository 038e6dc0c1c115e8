import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import type { Redis } from 'ioredis';
import { waitUntil } from './wait-until.js';

/** A command that Redis was given. */
export interface SeenCommand {
  /** The client's address; `lua` for what a script did. */
  readonly source: string;
  readonly words: readonly string[];
}

const LINE = /^\+\d+\.\d+ \[\d+ (\S+)\] (.*)$/;
const WORD = /"((?:[^"\\]|\\.)*)"/g;

/**
 * All that a Redis on this machine is given while `work` runs, by everybody. On a socket of its own: ioredis takes commands that
 * arrive together with the answer to MONITOR for answers.
 */
export async function commandsDuring(redis: Redis, work: () => Promise<unknown>): Promise<SeenCommand[]> {
  const { host = '127.0.0.1', port = 6379 } = redis.options;
  const socket = connect(port, host);
  const seen: SeenCommand[] = [];
  let isMonitoring = false;
  createInterface(socket).on('line', (line) => {
    isMonitoring ||= line === '+OK';
    const [, source, words] = LINE.exec(line) ?? [];
    if (source === undefined || words === undefined) return;
    seen.push({ source, words: [...words.matchAll(WORD)].map(([, word]) => word ?? '') });
  });
  try {
    await once(socket, 'connect');
    socket.write('MONITOR\r\n');
    await waitUntil(() => isMonitoring);
    await work();
    const end = randomUUID();
    await redis.echo(end);
    const isEnd = ({ words }: SeenCommand): boolean => words.includes(end);
    await waitUntil(() => seen.some(isEnd));
    return seen.slice(0, seen.findIndex(isEnd));
  } finally {
    socket.destroy();
  }
}
