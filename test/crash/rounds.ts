import type { Round } from './round.js';

/** In which a client's attempt times out, so that what it sent is in the paused process's hands when it is sent again. */
const LONGER_THAN_CLIENTS_WAIT_MS = 12_000;

/** A quick look, for `npm test`: each killed, all killed, each paused, for about a second. */
export function shortRounds(names: readonly string[]): Round[] {
  return [
    ...names.map((name): Round => ({ what: 'kill', parts: [name], forMs: 300 })),
    { what: 'kill', parts: names, forMs: 300 },
    ...names.map((name): Round => ({ what: 'pause', parts: [name], forMs: 1_500 })),
  ];
}

/**
 * Each killed singly, each with its neighbour, all together; then each paused, for `set` 0 so long that clients time out.
 * @param set numbers the repetitions
 */
export function longRounds(names: readonly string[], set: number): Round[] {
  const pairs = names.length > 2 ? names.map((name, i) => [name, names[(i + 1) % names.length] ?? name]) : [];
  const killed = [...names.map((name) => [name]), ...pairs, names];
  return [
    ...killed.map((parts): Round => ({ what: 'kill', parts, forMs: 200 + Math.random() * 2_800 })),
    ...names.map((name): Round => ({
      what: 'pause',
      parts: [name],
      forMs: set === 0 ? LONGER_THAN_CLIENTS_WAIT_MS : 2_000 + Math.random() * 4_000,
    })),
  ];
}
