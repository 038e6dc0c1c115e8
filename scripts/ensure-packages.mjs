import { existsSync, readFileSync } from 'node:fs';

import { step } from './step.mjs';

/**
 * Installs the versions of package-lock.json unless node_modules holds them. Not by `npm ci`: that refuses a lock file which
 * does not list the optional packages of every platform, as one that was written behind a registry mirror may not.
 */
export function ensurePackages() {
  if (areInstalled()) return;
  console.log('Installing packages …');
  step('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error']);
}

function areInstalled() {
  // npm's own record of what it installed.
  const record = 'node_modules/.package-lock.json';
  if (!existsSync(record)) return false;
  const installed = packagesOf(record);
  return Object.entries(packagesOf('package-lock.json')).every(
    // The root project has no record, and an optional package may be for another platform.
    ([path, { integrity, optional, devOptional }]) =>
      path === '' || optional || devOptional || installed[path]?.integrity === integrity,
  );
}

function packagesOf(lockFile) {
  return JSON.parse(readFileSync(lockFile, 'utf8')).packages;
}
