/**
 * That a request is being served which carries nothing to recognise its retry by. Its note is kept beside its batch until its answer
 * is out, so whoever finds an old one knows that a client was left without an answer.
 */
export interface RetryNote {
  /** The same for the same request, byte for byte. Holds no spaces. */
  readonly fingerprint: string;
  /** What the ids of its events derive from. Holds no spaces. */
  readonly seed: string;
}

/** A note as it is published. */
export interface NewNote extends RetryNote {
  /**
   * When the request came in, in ms since 1970. Redis may take the note much later: it executes what it was sent before it froze, and
   * the sender may have died meanwhile.
   */
  readonly receivedAt: number;
}

/** SDKs give up after half a minute: 4 attempts of up to 10 s. */
export const NOTE_LIFE_MS = 120_000;

/**
 * Who finds a note that is older takes its seed over. SDKs wait half a second before they repeat a request. A younger note belongs to
 * another client that sent the same bytes at the same moment.
 */
export const OLD_NOTE_MS = 400;

/** What a batch brings besides its rows. */
export interface PublishOptions {
  /** Of the requests in it. */
  readonly notes?: readonly NewNote[];
  /** Notes of earlier requests whose answers are out. They are removed before any other is looked for. */
  readonly answered?: readonly RetryNote[];
}
