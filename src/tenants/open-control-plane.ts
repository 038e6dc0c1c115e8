import { join } from 'node:path';
import type { Configuration } from '../config/configuration.js';
import type { ControlPlaneDatabase } from './control-plane.database.js';

/**
 * Opens the control plane that the configuration names and brings its tables up to date: PostgreSQL at `DATABASE_URL`,
 * else the embedded one in `DATA_DIR`. Only the driver that is used is loaded.
 */
export async function openControlPlane({
  databaseUrl,
  dataDir,
}: Pick<Configuration, 'databaseUrl' | 'dataDir'>): Promise<ControlPlaneDatabase> {
  if (databaseUrl !== undefined) {
    const { openPostgres } = await import('./postgres.control-plane.js');
    return openPostgres(databaseUrl);
  }
  const { openEmbedded } = await import('./embedded.control-plane.js');
  return openEmbedded(join(dataDir, 'control-plane'));
}
