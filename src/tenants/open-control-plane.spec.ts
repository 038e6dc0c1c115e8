import { sql } from 'drizzle-orm';
import { controlPlaneServices } from '../../test/support/control-plane.services.js';
import { CONTROL_PLANES } from '../../test/support/control-planes.js';
import { postgresIsInstalled, PostgresServer } from '../../test/support/postgres.server.js';
import { openControlPlane } from './open-control-plane.js';

describe.each(CONTROL_PLANES)('openControlPlane on %s', (_, start) => {
  it('should keep what was stored when it is opened again', async () => {
    const { settings, stop } = await start();
    const first = await openControlPlane(settings);
    await controlPlaneServices(first).tenants.create({ slug: 'acme', name: 'Acme', plan: 'free' });
    await first.onApplicationShutdown();

    const second = await openControlPlane(settings);
    expect(await controlPlaneServices(second).tenants.find('acme')).toMatchObject({ name: 'Acme' });
    await second.onApplicationShutdown();
    await stop();
  });
});

(postgresIsInstalled ? describe : describe.skip)('openControlPlane on PostgreSQL', () => {
  it('should apply the migrations once when several instances start together', async () => {
    const server = await PostgresServer.start();
    const opened = await Promise.all(
      Array.from({ length: 5 }, () => openControlPlane({ databaseUrl: server.url, dataDir: '/nowhere' })),
    );
    const applied = await opened[0]!.db.execute(sql`SELECT hash FROM drizzle.__drizzle_migrations`);
    const hashes = (applied as { rows: { hash: string }[] }).rows.map(({ hash }) => hash);
    expect(hashes.length).toBeGreaterThan(0);
    expect(new Set(hashes).size).toBe(hashes.length);
    await Promise.all(opened.map((database) => database.onApplicationShutdown()));
    await server.stop();
  });

  it('should say what to check, without the address or password, when nothing answers', async () => {
    const opening = openControlPlane({ databaseUrl: 'postgres://me:hunter2@127.0.0.1:1/db', dataDir: '/nowhere' });
    await expect(opening).rejects.toThrow(
      'The control plane gave no answer (ECONNREFUSED). Check DATABASE_URL and that PostgreSQL is up.',
    );
  });
});
