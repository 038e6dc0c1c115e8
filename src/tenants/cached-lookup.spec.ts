import { rmSync } from 'node:fs';
import { controlPlaneServices } from '../../test/support/control-plane.services.js';
import { freshDataDir } from '../../test/support/data-dir.js';
import type { ApiError } from '../common/errors.js';
import { CachedLookup, UnknownLimit } from './cached-lookup.js';
import type { ControlPlaneDatabase } from './control-plane.database.js';
import { openControlPlane } from './open-control-plane.js';

describe('CachedLookup', () => {
  let dataDir: string;
  let database: ControlPlaneDatabase;

  beforeAll(async () => {
    dataDir = await freshDataDir();
    database = await openControlPlane({ dataDir });
  });

  afterAll(async () => {
    await database.onApplicationShutdown();
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('should not answer a request after a change with what was asked for before it', async () => {
    const { changes } = controlPlaneServices(database);
    const answers: ((value: { name: string }) => void)[] = [];
    const lookup = new CachedLookup(
      changes,
      'tenant',
      () => new Promise<{ name: string }>((answer) => answers.push(answer)),
    );
    await changes.listen();

    const before = lookup.find('acme');
    await changes.commit((_, note) => {
      note('tenant', 'acme');
      return Promise.resolve();
    });
    const after = lookup.find('acme');
    const together = lookup.find('acme');
    await new Promise((resolve) => setImmediate(resolve));
    expect(answers).toHaveLength(2);
    answers[0]?.({ name: 'old' });
    answers[1]?.({ name: 'new' });
    expect(await Promise.all([before, after, together])).toEqual([{ name: 'old' }, { name: 'new' }, { name: 'new' }]);
    expect(await lookup.find('acme')).toEqual({ name: 'new' });
    expect(answers).toHaveLength(2);
  });

  describe('with keys that nobody has', () => {
    let now: number;
    let asked: string[];
    let lookup: CachedLookup<{ name: string }>;

    beforeEach(() => {
      now = 0;
      asked = [];
      const load = (key: string) => {
        asked.push(key);
        return Promise.resolve(key.startsWith('real') ? { name: key } : undefined);
      };
      lookup = new CachedLookup(controlPlaneServices(database).changes, 'tenant', load, new UnknownLimit(() => now));
    });

    const find = (key: string, address?: string) =>
      lookup.find(key, address).then(
        (value) => value?.name,
        (error: unknown) => (error as ApiError).status,
      );
    const findMany = (count: number, prefix: string, address?: string) =>
      Promise.all(Array.from({ length: count }, (_, i) => find(`${prefix} ${i}`, address)));

    it('should ask once for one that comes again and again, at once or later', async () => {
      expect(await Promise.all(Array.from({ length: 20 }, () => find('same', '192.0.2.1')))).toEqual(Array(20));
      expect(await find('same', '192.0.2.1')).toBeUndefined();
      expect(asked).toEqual(['same']);
    });

    it('should ask for 50 a second of one network, and answer others 503, whether or not they come at once', async () => {
      const answers = await findMany(80, 'made up', '2001:db8:7:7::1');
      expect(answers).toEqual([...Array<undefined>(50), ...Array<number>(30).fill(503)]);
      expect(await find('one more', '2001:db8:7:7::2')).toBe(503);
      expect(await find('real', '2001:db8:7:8::1')).toBe('real');
      expect(asked).toHaveLength(51);
      now += 1_000;
      expect(await find('one more', '2001:db8:7:7::2')).toBeUndefined();
    });

    it('should ask for 500 a second in all', async () => {
      for (let i = 0; i < 12; i++) await findMany(50, `made up ${i}`, `192.0.2.${i}`);
      expect(asked).toHaveLength(500);
    });

    it('should ask for as many as there are of those that somebody has', async () => {
      for (let i = 0; i < 4; i++) await findMany(40, `real ${i}`, '192.0.2.1');
      expect(asked).toHaveLength(160);
    });

    it('should answer what it knows while others are refused', async () => {
      await find('real', '192.0.2.1');
      await findMany(60, 'made up', '192.0.2.1');
      expect(await find('real', '192.0.2.1')).toBe('real');
      expect(await find('made up 0', '192.0.2.1')).toBeUndefined();
      expect(asked).toHaveLength(51);
    });
  });
});
