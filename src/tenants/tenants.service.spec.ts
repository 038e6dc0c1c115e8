import { controlPlaneServices } from '../../test/support/control-plane.services.js';
import { CONTROL_PLANES, type ControlPlaneFixture } from '../../test/support/control-planes.js';
import type { ControlPlaneDatabase } from './control-plane.database.js';
import { openControlPlane } from './open-control-plane.js';
import { TenantError } from './tenant.js';
import type { Tenants } from './tenants.service.js';

describe.each(CONTROL_PLANES)('Tenants on %s', (_, start) => {
  let fixture: ControlPlaneFixture;
  let database: ControlPlaneDatabase;
  let tenants: Tenants;

  beforeAll(async () => {
    fixture = await start();
    database = await openControlPlane(fixture.settings);
    ({ tenants } = controlPlaneServices(database));
  });

  afterAll(async () => {
    await database.onApplicationShutdown();
    await fixture.stop();
  });

  it('should find a tenant that was created', async () => {
    const created = await tenants.create({ slug: 'acme', name: 'Acme Ltd', plan: 'enterprise' });
    expect(created).toEqual({
      slug: 'acme',
      name: 'Acme Ltd',
      plan: 'enterprise',
      callsPerMinute: null,
      eventsPerMonth: null,
      createdAt: expect.any(Date) as Date,
    });
    expect(await tenants.find('acme')).toEqual(created);
  });

  it('should find nothing for a slug that nobody has', async () => {
    expect(await tenants.find('nobody')).toBeUndefined();
  });

  it('should list tenants by slug', async () => {
    await tenants.create({ slug: 'list-b', name: 'B', plan: 'free' });
    await tenants.create({ slug: 'list-a', name: 'A', plan: 'starter' });
    const slugs = (await tenants.list()).map(({ slug }) => slug);
    expect(slugs.filter((slug) => slug.startsWith('list-'))).toEqual(['list-a', 'list-b']);
  });

  it('should refuse a slug that is taken, and keep the first tenant', async () => {
    await tenants.create({ slug: 'taken', name: 'First', plan: 'free' });
    await expect(tenants.create({ slug: 'taken', name: 'Second', plan: 'free' })).rejects.toThrow(
      new TenantError('There is a tenant "taken" already. Choose another slug.'),
    );
    expect(await tenants.find('taken')).toMatchObject({ name: 'First' });
  });

  it.each(['a', 'a1', '1-2-3', 'a'.repeat(63)])('should accept the slug %p', async (slug) => {
    expect(await tenants.create({ slug, name: 'Any', plan: 'free' })).toMatchObject({ slug });
  });

  it.each(['', 'Acme', '-a', 'a-', 'a--b', 'a_b', 'a b', 'é', 'acme\n', 'a'.repeat(64)])(
    'should refuse the slug %p',
    async (slug) => {
      await expect(tenants.create({ slug, name: 'Any', plan: 'free' })).rejects.toThrow(/slug is 1 to 63/);
    },
  );

  it.each(['', '  ', '\u200b\u3164', 'x'.repeat(256), 'a\u0000b'])('should refuse the name %p', async (name) => {
    await expect(tenants.create({ slug: 'named', name, plan: 'free' })).rejects.toThrow(/^A tenant's name must /);
  });
});
