import { existsSync, readdirSync } from 'node:fs';

import { canInstall, install } from './apt.mjs';

// Where Debian's package puts the server, and where the tests look for it.
const FOLDER = '/usr/lib/postgresql';

/** Makes PostgreSQL available for the tests where root may install it. Elsewhere they run on the embedded one alone, and say so. */
export function ensurePostgres() {
  if (isInstalled()) return;
  if (!canInstall() || !install('postgresql')) {
    console.log('PostgreSQL is not installed: what only it can show is not tested. Run: apt-get install postgresql');
  }
}

function isInstalled() {
  return existsSync(FOLDER) && readdirSync(FOLDER).some((version) => existsSync(`${FOLDER}/${version}/bin/initdb`));
}
