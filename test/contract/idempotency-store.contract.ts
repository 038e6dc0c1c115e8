import { type IdempotencyStore, MAX_MEMORY_BYTES, memoryBounds } from '../../src/idempotency/idempotency.store.js';

export interface StoreUnderTest {
  /** A process that begins: on what processes before it have left. */
  begin(): Promise<IdempotencyStore>;
}

let tenants = 0;

/** What every store promises; each adapter's spec calls it with a real one. */
export function describeIdempotencyStore(name: string, underTest: StoreUnderTest): void {
  describe(`${name} as a store of what was answered`, () => {
    let store: IdempotencyStore;
    let tenantId: string;

    beforeEach(async () => {
      store = await underTest.begin();
      tenantId = `t${++tenants}`;
    });
    afterEach(() => store.close());

    const beginAgain = async () => {
      await store.close();
      store = await underTest.begin();
    };

    describe('memory', () => {
      const key = (changes = {}) => ({ space: 'answers', tenantId, key: 'k-1', ...changes }) as const;

      it('should recall what it remembers, and nothing else', async () => {
        await store.remember(key(), 'yes: ünïcode');
        expect(await store.recall(key())).toBe('yes: ünïcode');
        for (const other of [key({ key: 'k-2' }), key({ tenantId: 'other' }), key({ space: 'deliveries' })]) {
          expect(await store.recall(other)).toBeUndefined();
        }
      });

      it('should keep the first of two values, together as well', async () => {
        await Promise.all([store.remember(key(), 'first'), store.remember(key(), 'second')]);
        await store.remember(key(), 'third');
        expect(await store.recall(key())).toBe('first');
      });

      it('should recall in the next process', async () => {
        await store.remember(key(), 'yes');
        await beginAgain();
        expect(await store.recall(key())).toBe('yes');
      });

      it('should take in no more of a key than it may, counted over restarts, and go on for others', async () => {
        const caller = { apiKeyId: 'one', sessionId: undefined };
        const large = 'x'.repeat(MAX_MEMORY_BYTES.key / 4);
        for (let i = 1; i <= 3; i++)
          expect(await store.remember(key({ key: `k-${i}` }), large, caller)).toBeUndefined();
        await beginAgain();
        expect(await store.remember(key({ key: 'k-4' }), large, caller)).toBe('key');
        expect(await store.remember(key({ key: 'k-5' }), 'small', caller)).toBeUndefined();
        expect(await store.remember(key({ key: 'k-6' }), large, { ...caller, apiKeyId: 'other' })).toBeUndefined();
        // What two keys have taken in is more than a quarter less than the tenant may.
        expect(await store.remember(key({ key: 'k-7' }), 'x'.repeat(MAX_MEMORY_BYTES.key))).toBe('tenant');
        expect(await store.remember(key({ tenantId: `other-${tenantId}` }), 'small', caller)).toBeUndefined();
        expect(await store.recall(key({ key: 'k-3' }))).toBe(large);
        expect(await store.recall(key({ key: 'k-4' }))).toBeUndefined();
        expect(await store.recall(key({ key: 'k-5' }))).toBe('small');
      });

      it('should take in no more of a session than it may, and nothing of it at its servers’ cost', async () => {
        const session = (sessionId: string) => ({ apiKeyId: 'public', sessionId });
        const large = 'x'.repeat(MAX_MEMORY_BYTES.session / 2);
        expect(await store.remember(key({ key: 'k-1' }), large, session('one'))).toBeUndefined();
        expect(await store.remember(key({ key: 'k-2' }), large, session('one'))).toBe('session');
        expect(await store.remember(key({ key: 'k-3' }), large, session('two'))).toBeUndefined();
        expect(await store.remember(key({ key: 'k-4' }), 'x'.repeat(MAX_MEMORY_BYTES.session), session('3'))).toBe(
          'session',
        );
        const [ofPublic, ofServers] = [session('one'), { apiKeyId: 'secret', sessionId: undefined }].map((caller) =>
          memoryBounds(key(), caller).map(({ name }) => name),
        );
        expect(ofServers!.filter((name) => ofPublic!.includes(name))).toEqual([]);
      });
    });
  });
}
