import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { OperatorError } from '../common/operator.error.js';
import type { Configuration } from '../config/configuration.js';
import type { ControlPlaneDatabase } from './control-plane.database.js';

const EMBEDDED = 'control-plane';

type Place = Pick<Configuration, 'databaseUrl' | 'dataDir'>;

/**
 * Opens the control plane that the configuration names and brings its tables up to date: PostgreSQL at `DATABASE_URL`,
 * else the embedded one in `DATA_DIR`. Only the driver that is used is loaded.
 */
export async function openControlPlane({ databaseUrl, dataDir }: Place): Promise<ControlPlaneDatabase> {
  if (databaseUrl !== undefined) {
    const { openPostgres } = await import('./postgres.control-plane.js');
    return openPostgres(databaseUrl);
  }
  const { openEmbedded } = await import('./embedded.control-plane.js');
  return openEmbedded(join(dataDir, EMBEDDED));
}

/**
 * For commands, which need the control plane of a service: a new one would be empty, and no service would use it.
 * @throws OperatorError when the settings name none that exists
 */
export function requireControlPlane({ databaseUrl, dataDir }: Place): void {
  if (databaseUrl === undefined && !existsSync(join(dataDir, EMBEDDED, 'PG_VERSION'))) {
    throw new OperatorError(
      `There is no control plane in ${resolve(dataDir)}. Set DATABASE_URL or DATA_DIR as the service has it. ` +
        'Where the service runs in a container, use `exec` into that one, not `run`.',
    );
  }
}
