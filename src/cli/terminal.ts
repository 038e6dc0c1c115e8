/** What a command talks to. */
export interface Terminal {
  /** Where settings are read from; the environment of the process unless given. */
  readonly env?: Readonly<Record<string, string>>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}
