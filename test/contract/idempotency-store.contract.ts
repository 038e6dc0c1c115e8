import {
  type BrokenNote,
  type IdempotencyStore,
  MAX_BROKEN,
  MAX_MEMORY_BYTES,
  memoryBounds,
  type Note,
} from '../../src/idempotency/idempotency.store.js';
import { drawSeed, formatSeed } from '../../src/idempotency/seed.js';
import { waitUntil } from '../support/wait-until.js';

export interface StoreUnderTest {
  /** A process that begins: on what processes before it have left. */
  begin(): Promise<IdempotencyStore>;
}

let tenants = 0;

/** What every store promises; each adapter's spec calls it with a real one. */
export function describeIdempotencyStore(name: string, underTest: StoreUnderTest): void {
  describe(`${name} as a store of what was tried and answered`, () => {
    let store: IdempotencyStore;
    let tenantId: string;
    let fingerprint: string;

    beforeEach(async () => {
      store = await underTest.begin();
      tenantId = `t${++tenants}`;
      fingerprint = `${tenantId}:track:same-bytes`;
    });
    afterEach(() => store.close());

    const note = (durable = false): Note => ({ seed: formatSeed(drawSeed()), durable });
    const take = async (times: number): Promise<Note[]> => {
      const taken: Note[] = [];
      for (let i = 0; i < times; i++) taken.push(...[(await store.take(fingerprint)) ?? []].flat());
      return taken;
    };
    const serve = (...open: Note[]) => store.note([{ fingerprint, open }]);
    const tell = (change: BrokenNote['change'], ...notes: Note[]) =>
      store.tell(notes.map((told) => ({ ...told, tenantId, fingerprint, change })));
    const beginAgain = async () => {
      await store.close();
      store = await underTest.begin();
    };
    const has = (text = fingerprint) => waitUntil(() => store.has(text));

    describe('attempts', () => {
      it('should have nothing where nothing was tried', async () => {
        expect(store.has(fingerprint)).toBe(false);
        expect(await take(1)).toEqual([]);
      });

      it.each([true, false])(
        'should hand over a broken attempt once, and whether it is durable: %s',
        async (durable) => {
          const first = note(durable);
          await serve(first);
          await tell('broken', first);
          await serve();
          expect(store.has(fingerprint)).toBe(true);
          expect(await take(2)).toEqual([first]);
          expect(store.has(fingerprint)).toBe(false);
        },
      );

      it('should hand over as many broken attempts as there are, the oldest first', async () => {
        const [first, second] = [note(), note()];
        await tell('broken', first);
        await tell('broken', second);
        expect(await take(3)).toEqual([first, second]);
      });

      it('should hand over nothing of what is being served, or was answered', async () => {
        const [first, second] = [note(), note()];
        await serve(first, second);
        expect(await take(1)).toEqual([]);
        await serve(second);
        await serve();
        expect(await take(1)).toEqual([]);
      });

      it('should keep fingerprints apart', async () => {
        const first = note();
        await tell('broken', first);
        const others = ['other-bytes', 'same-byte'].map((bytes) => `${tenantId}:track:${bytes}`);
        for (const other of others) {
          expect(store.has(other)).toBe(false);
          expect(await store.take(other)).toBeUndefined();
        }
        expect(await take(1)).toEqual([first]);
      });

      it('should learn later that a broken attempt is durable', async () => {
        const first = note();
        await tell('broken', first);
        await tell('durable', { ...first, durable: true });
        expect(await take(1)).toEqual([{ ...first, durable: true }]);
      });

      it('should not bring back by that what was taken over', async () => {
        const first = note();
        await tell('broken', first);
        await take(1);
        await tell('durable', { ...first, durable: true });
        expect(await take(1)).toEqual([]);
      });

      it('should forget what was taken over without it', async () => {
        const first = note();
        await tell('broken', first);
        await tell('taken', first);
        expect(await take(1)).toEqual([]);
      });

      it('should hand over a broken attempt to the next process', async () => {
        const first = note(true);
        await tell('broken', first);
        await beginAgain();
        await has();
        expect(await take(2)).toEqual([first]);
      });

      it('should hand over what a process was serving when it ended, each once', async () => {
        const attempts = [note(), note(true), note()];
        const other = note();
        await serve(...attempts);
        await store.note([{ fingerprint: `${tenantId}:track:other`, open: [other] }]);
        await beginAgain();
        await has();
        expect(await take(4)).toEqual(attempts);
        expect(await store.take(`${tenantId}:track:other`)).toEqual(other);
      });

      it('should hand over what was being served as it was told last', async () => {
        const attempts = [note(), note(), note()];
        await serve(...attempts);
        await serve(...attempts.slice(1));
        await beginAgain();
        await has();
        expect(await take(3)).toEqual(attempts.slice(1));
      });

      it('should hand over again what a process took over and did not answer', async () => {
        const first = note();
        await tell('broken', first);
        await take(1);
        await beginAgain();
        await has();
        expect(await take(2)).toEqual([first]);
      });

      it('should hand over nothing of a process that had answered everything', async () => {
        await serve(note());
        await serve();
        const other = `${tenantId}:track:other`;
        await store.note([{ fingerprint: other, open: [note()] }]);
        await beginAgain();
        // All that it left comes together.
        await has(other);
        expect(store.has(fingerprint)).toBe(false);
        expect(await take(1)).toEqual([]);
      });

      it('should keep no more broken attempts of a tenant than it may, and go on for others', async () => {
        const fingerprints = Array.from({ length: MAX_BROKEN.tenant + 10 }, (_, i) => `${tenantId}:track:${i}`);
        let taken = 0;
        // In portions: Redis answers nothing of what comes at once before all of it is on disk, and silence is an absence.
        for (const portion of portionsOf(fingerprints, 1_000)) {
          await store.tell(portion.map((text) => ({ ...note(), tenantId, fingerprint: text, change: 'broken' })));
        }
        for (const portion of portionsOf(fingerprints, 1_000)) {
          const notes = await Promise.all(portion.map((text) => store.take(text)));
          taken += notes.filter((one) => one !== undefined).length;
        }
        expect(taken).toBe(MAX_BROKEN.tenant);
        const [other, first] = [`other-${tenantId}`, note()];
        await store.tell([{ ...first, tenantId: other, fingerprint: `${other}:track:x`, change: 'broken' }]);
        expect(await store.take(`${other}:track:x`)).toEqual(first);
      });
    });

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

function portionsOf<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}
