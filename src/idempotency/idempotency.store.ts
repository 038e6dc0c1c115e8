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
 * Where instances keep what they have answered under a key, across processes and restarts. The adapters live in the
 * folders beside this file, and both pass `test/contract/idempotency-store.contract.ts`. Every promise rejects when the
 * store is away; {@link StoreAccess} is who sets a deadline. The class doubles as the injection token.
 */
export abstract class IdempotencyStore {
  abstract recall(key: MemoryKey): Promise<string | undefined>;

  /**
   * What is remembered stays as it is until it has had its life.
   * @returns whose bound kept it from being remembered; undefined when none did
   */
  abstract remember(key: MemoryKey, value: string, caller?: Caller): Promise<MemoryBound['of'] | undefined>;

  abstract close(): Promise<void>;
}
