/** A process of the deployment under test, at an address that outlives it. */
export interface Part {
  readonly name: string;
  /** Undefined until it was started. */
  readonly pid: number | undefined;
  /** Resolves when it serves. */
  start(): Promise<void>;
  /** Ends it as a crash would; what it had on disk stays. */
  kill(): Promise<void>;
  /** From now on it neither answers nor closes a connection: to everybody else the network to it has gone silent. */
  pause(): void;
  resume(): void;
  /** In good order. @returns what is wrong about how it ended, if anything */
  stop(): Promise<string | undefined>;
}
