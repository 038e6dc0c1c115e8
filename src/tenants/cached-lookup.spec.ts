import { rmSync } from 'node:fs';
import { controlPlaneServices } from '../../test/support/control-plane.services.js';
import { CachedLookup } from './cached-lookup.js';
import type { ControlPlaneDatabase } from './control-plane.database.js';
import { openControlPlane } from './open-control-plane.js';
import { freshDataDir } from '../../test/support/data-dir.js';

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
});
