/** One thing that is done to the deployment while the load goes on. */
export interface Round {
  /** `kill`: SIGKILL, and a new start after the time. `pause`: SIGSTOP, and SIGCONT after the time. */
  readonly what: 'kill' | 'pause';
  /** Names of parts; it is done to all of them at once. */
  readonly parts: readonly string[];
  /** How long they are away, in ms. */
  readonly forMs: number;
}
