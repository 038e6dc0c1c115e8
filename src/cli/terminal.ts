/** What a command talks to. */
export interface Terminal {
  /** Where settings are read from; the environment of the process unless given. */
  readonly env?: Readonly<Record<string, string>>;
  /** Reads standard input to its end, without the line break that ends it; where there is none, commands cannot ask for it. */
  readonly in?: () => Promise<string>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}
