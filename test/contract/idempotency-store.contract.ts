import {
  type Claim,
  type IdempotencyStore,
  MAX_BROKEN,
  MAX_MEMORY_BYTES,
  type Note,
  type Settlement,
} from '../../src/idempotency/idempotency.store.js';
import { drawSeed, formatSeed } from '../../src/idempotency/seed.js';

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
    const claim = async (fresh: readonly Note[], kept: readonly Note[] = []): Promise<readonly Note[]> => {
      const [taken] = await store.claim([{ fingerprint, kept, fresh } satisfies Claim]);
      return taken!;
    };
    const settle = (settlement: Partial<Settlement>) =>
      store.settle([{ tenantId, fingerprint, open: [], broken: [], taken: [], ...settlement }]);
    const breaks = (broken: Note, isUpdate = false) => settle({ broken: [{ ...broken, isUpdate }] });
    const beginAgain = async () => {
      await store.close();
      store = await underTest.begin();
    };

    describe('attempts', () => {
      it('should hand over nothing where nothing was tried', async () => {
        expect(await claim([note()])).toEqual([]);
      });

      it.each([true, false])(
        'should hand over a broken attempt once, and whether it is durable: %s',
        async (durable) => {
          const first = note(durable);
          await claim([first]);
          await breaks(first);
          expect(await claim([note()])).toEqual([first]);
          expect(await claim([note()], [first])).toEqual([]);
        },
      );

      it('should hand over as many broken attempts as there are, the oldest first', async () => {
        const [first, second] = [note(), note()];
        await claim([first, second]);
        await settle({ open: [second], broken: [{ ...first, isUpdate: false }] });
        await settle({ broken: [{ ...second, isUpdate: false }] });
        expect(await claim([note(), note(), note()])).toEqual([first, second]);
      });

      it('should leave what nobody takes to the next', async () => {
        const [first, second] = [note(), note()];
        await settle({ broken: [first, second].map((broken) => ({ ...broken, isUpdate: false })) });
        expect(await claim([note()])).toEqual([first]);
        expect(await claim([note()])).toEqual([second]);
      });

      it('should hand over nothing of what is being served, or was answered', async () => {
        const first = note();
        await claim([first]);
        const second = note();
        expect(await claim([second], [first])).toEqual([]);
        await settle({ open: [second] });
        expect(await claim([note()], [second])).toEqual([]);
        await settle({});
        expect(await claim([note()])).toEqual([]);
      });

      it('should hand over nothing to attempts that it knows', async () => {
        const first = note();
        await breaks(first);
        expect(await claim([], [note()])).toEqual([]);
        expect(await claim([note()])).toEqual([first]);
      });

      it('should say where there may be something to take over, and nowhere else', async () => {
        const [mine, broken] = [`${tenantId}:track:mine`, `${tenantId}:track:broken`];
        await store.note([{ fingerprint: mine, open: [note()] }]);
        await store.settle([
          { tenantId, fingerprint: broken, open: [], broken: [{ ...note(), isUpdate: false }], taken: [] },
        ]);
        expect(await store.look([fingerprint, mine, broken])).toEqual([broken]);
        await beginAgain();
        expect(await store.look([fingerprint, mine, broken])).toEqual([mine, broken]);
      });

      it('should hand over what it was only told of, as it was told last', async () => {
        const attempts = [note(), note(), note()];
        await store.note([{ fingerprint, open: attempts }]);
        await store.note([{ fingerprint, open: attempts.slice(1) }]);
        await beginAgain();
        expect(await claim([note(), note(), note()])).toEqual(attempts.slice(1));
      });

      it('should keep fingerprints apart', async () => {
        const first = note();
        await breaks(first);
        const others = ['other-bytes', 'same-byte'].map((bytes) => `${tenantId}:track:${bytes}`);
        const claims = [...others, fingerprint].map((text) => ({ fingerprint: text, kept: [], fresh: [note()] }));
        expect(await store.claim(claims)).toEqual([[], [], [first]]);
      });

      it('should learn later that a broken attempt is durable', async () => {
        const first = note();
        await breaks(first);
        await breaks({ ...first, durable: true }, true);
        expect(await claim([note()])).toEqual([{ ...first, durable: true }]);
      });

      it('should not bring back by that what was taken over', async () => {
        const first = note();
        await breaks(first);
        await claim([note()]);
        await breaks({ ...first, durable: true }, true);
        expect(await claim([note()])).toEqual([]);
      });

      it('should forget what was taken over without it', async () => {
        const first = note();
        await breaks(first);
        await settle({ taken: [first.seed] });
        expect(await claim([note()])).toEqual([]);
      });

      it('should hand over a broken attempt to the next process', async () => {
        const first = note(true);
        await breaks(first);
        await beginAgain();
        expect(await claim([note()])).toEqual([first]);
      });

      it('should hand over what a process was serving when it ended, each once', async () => {
        const attempts = [note(), note(true), note()];
        await claim(attempts);
        await beginAgain();
        const retries = [note(), note()];
        const taken = await claim(retries);
        expect(taken).toEqual(attempts.slice(0, 2));
        expect(await claim([note()], taken)).toEqual(attempts.slice(2));
        expect(await claim([note()], attempts)).toEqual([]);
      });

      it('should hand over again what a process took over and did not answer, and not its own seed', async () => {
        const first = note();
        await breaks(first);
        await claim([note()]);
        await beginAgain();
        expect(await claim([note(), note()])).toEqual([first]);
      });

      it('should hand over nothing of a process that had answered everything', async () => {
        await claim([note()]);
        await settle({});
        await beginAgain();
        expect(await claim([note()])).toEqual([]);
      });

      it('should keep no more broken attempts of a tenant than it may, and go on for others', async () => {
        const settlements = Array.from({ length: MAX_BROKEN.tenant + 10 }, (_, i) => ({
          tenantId,
          fingerprint: `${tenantId}:track:${i}`,
          open: [],
          broken: [{ ...note(), isUpdate: false }],
          taken: [],
        }));
        await store.settle(settlements);
        const claims = settlements.map((settlement) => ({ ...settlement, kept: [], fresh: [note()] }));
        const taken = (await store.claim(claims)).flat();
        expect(taken).toHaveLength(MAX_BROKEN.tenant);
        const other = `other-${tenantId}`;
        const broken = note();
        await store.settle([
          {
            tenantId: other,
            fingerprint: `${other}:track:x`,
            open: [],
            broken: [{ ...broken, isUpdate: false }],
            taken: [],
          },
        ]);
        expect(await store.claim([{ fingerprint: `${other}:track:x`, kept: [], fresh: [note()] }])).toEqual([[broken]]);
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

      it('should take in no more of a tenant than it may, counted over restarts, and go on for others', async () => {
        const large = 'x'.repeat(MAX_MEMORY_BYTES.tenant / 4);
        for (let i = 1; i <= 3; i++) await store.remember(key({ key: `k-${i}` }), large);
        await beginAgain();
        await store.remember(key({ key: 'k-4' }), large);
        await store.remember(key({ key: 'k-5' }), 'small');
        await store.remember(key({ tenantId: `other-${tenantId}` }), 'small');
        expect(await store.recall(key({ key: 'k-3' }))).toBe(large);
        expect(await store.recall(key({ key: 'k-4' }))).toBeUndefined();
        expect(await store.recall(key({ key: 'k-5' }))).toBe('small');
        expect(await store.recall(key({ tenantId: `other-${tenantId}` }))).toBe('small');
      });
    });
  });
}
