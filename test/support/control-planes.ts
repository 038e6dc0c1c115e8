import { rmSync } from 'node:fs';
import { freshControlPlane } from './control-plane.js';
import { freshDataDir } from './data-dir.js';
import { postgresIsInstalled } from './postgres.server.js';

/** The settings that lead to an empty control plane, and what stops it. */
export interface ControlPlaneFixture {
  settings: { dataDir: string; databaseUrl?: string };
  stop: () => Promise<void>;
}

async function embedded(): Promise<ControlPlaneFixture> {
  const dataDir = await freshDataDir();
  return Promise.resolve({
    settings: { dataDir },
    stop: async () => {
      rmSync(dataDir, { recursive: true, force: true });
      return Promise.resolve();
    },
  });
}

async function postgres(): Promise<ControlPlaneFixture> {
  const { environment, drop } = await freshControlPlane();
  const { DATABASE_URL: databaseUrl = '' } = environment;
  return { settings: { dataDir: '/nowhere', databaseUrl }, stop: drop };
}

const EMBEDDED = ['the embedded control plane', embedded] as const;
const POSTGRES = ['PostgreSQL', postgres] as const;

/** For `describe.each`: both kinds, or the embedded one alone where PostgreSQL is not installed. */
export const CONTROL_PLANES = postgresIsInstalled ? [EMBEDDED, POSTGRES] : [EMBEDDED];

if (!postgresIsInstalled) {
  describe('PostgreSQL', () => {
    it.skip('SKIPPED, nothing was tested on PostgreSQL: install it with apt-get install postgresql', () => undefined);
  });
}
