/** One step of a shutdown. */
export interface ShutdownStep {
  /** What the process does in it, as the log tells when it takes too long. */
  readonly doing: string;
  /**
   * Resolves when the step is done; the next one begins then, also after an exception.
   * @param remainingMs what is left of the time for the whole shutdown, in ms
   */
  run(remainingMs: number): Promise<unknown>;
}
