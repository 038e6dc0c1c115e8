/** Attempts of one fingerprint that a store is told of at most; equal requests beyond it, at the same moment, go without. */
export const MAX_NOTES_A_FINGERPRINT = 256;

/** For how long an attempt is kept whose client got no answer. SDKs give up after half a minute: 4 attempts of up to 10 s. */
export const NOTE_LIFE_MS = 120_000;

/**
 * How many attempts may be kept whose clients got no answer, within {@link NOTE_LIFE_MS}: whoever breaks off requests on
 * purpose fills nothing. At 150 bytes each they take 7.5 MB. Of a session and of all sessions of a public key only by the
 * process that served them: anybody can have one, and must leave room for the tenant's servers.
 */
export const MAX_BROKEN = { session: 100, publicKey: 5_000, tenant: 10_000, total: 50_000 } as const;

/** What is kept of an attempt to serve a request. */
export interface Note {
  /** What the ids of its events derive from; it tells attempts apart as well. */
  readonly seed: string;
  /** Whether its events are known to be on disk. */
  readonly durable: boolean;
}

/** The attempts of one fingerprint that the process is serving. */
export interface OpenNotes {
  readonly fingerprint: string;
  readonly open: readonly Note[];
}

/** What became of an attempt whose client got no answer. */
export interface BrokenNote extends Note {
  readonly tenantId: string;
  readonly fingerprint: string;
  /**
   * `broken`: there is something to take over. `durable`: its events are on disk after all; that changes only what is still
   * there. `taken`: it was taken over without the store.
   */
  readonly change: 'broken' | 'durable' | 'taken';
}

/** Something that is remembered for long, under a tenant's key. */
export interface MemoryKey {
  readonly space: MemorySpace;
  readonly tenantId: string;
  readonly key: string;
}

/**
 * `answers`: of requests with an `Idempotency-Key`, for a day; `deliveries`: Shopify's, for 8 days: it repeats one for
 * 4 hours, and people who replay one by hand do so within days.
 */
export type MemorySpace = 'answers' | 'deliveries';

export const MEMORY_LIFE_MS: Readonly<Record<MemorySpace, number>> = {
  answers: 24 * 60 * 60 * 1000,
  deliveries: 8 * 24 * 60 * 60 * 1000,
};

/** Whose request is remembered. */
export interface Caller {
  readonly apiKeyId: string;
  /** Of a session, which was opened with the key. */
  readonly sessionId: string | undefined;
}

/**
 * Bytes that a space may take in of each within its life: of a session a thousand entries, of a key a quarter of a million.
 * What is beyond it is not remembered, and the ids in the warehouse, which do not depend on any memory, still make one event
 * of copies. There is no bound for all tenants together, since some would use it up for the others.
 */
export const MAX_MEMORY_BYTES = { session: 256 * 1024, key: 64 * 1024 * 1024, tenant: 128 * 1024 * 1024 } as const;

export interface MemoryBound {
  readonly of: keyof typeof MAX_MEMORY_BYTES;
  /** What is counted under. */
  readonly name: string;
  readonly maxBytes: number;
}

/** The bounds for what a caller has remembered, or, without one, the tenant. */
export function memoryBounds({ space, tenantId }: MemoryKey, caller?: Caller): MemoryBound[] {
  const tenant = `${space}-bytes:${tenantId}`;
  const bound = (of: MemoryBound['of'], name: string): MemoryBound => ({ of, name, maxBytes: MAX_MEMORY_BYTES[of] });
  if (caller === undefined) {
    return [bound('tenant', tenant)];
  }
  const { apiKeyId, sessionId } = caller;
  const key = bound('key', `${tenant}:${apiKeyId}`);
  return sessionId === undefined
    ? [key, bound('tenant', tenant)]
    : [bound('session', `${key.name}:${sessionId}`), key, bound('tenant', `${tenant}:public`)];
}

/** What an entry takes besides its text, in Redis: measured with MEMORY USAGE. */
export const MEMORY_ENTRY_BYTES = 120;

/**
 * Where instances keep what they need to recognise repetitions, across processes and restarts. The adapters live in the
 * folders beside this file, and both pass `test/contract/idempotency-store.contract.ts`. Every promise rejects when the
 * store is away; {@link StoreAccess} is who sets a deadline. The class doubles as the injection token.
 */
export abstract class IdempotencyStore {
  /** Whether there may be something to take over under a fingerprint: from memory, and up to 200 ms late. */
  abstract has(fingerprint: string): boolean;

  /**
   * Takes over the oldest attempt of a fingerprint that lost its client: a broken one, or one that a process was serving when
   * it ended. Each is taken over once, and noted as this process's in the same step.
   */
  abstract take(fingerprint: string): Promise<Note | undefined>;

  /**
   * Notes which attempts of these fingerprints the process is serving; what it noted of them before is gone. When this
   * resolves, the notes are there wherever a batch is that is published afterwards.
   */
  abstract note(notes: readonly OpenNotes[]): Promise<void>;

  /** Resolves when the store has taken it in. */
  abstract tell(broken: readonly BrokenNote[]): Promise<void>;

  abstract recall(key: MemoryKey): Promise<string | undefined>;

  /**
   * What is remembered stays as it is until it has had its life.
   * @returns whose bound kept it from being remembered; undefined when none did
   */
  abstract remember(key: MemoryKey, value: string, caller?: Caller): Promise<MemoryBound['of'] | undefined>;

  abstract close(): Promise<void>;
}
