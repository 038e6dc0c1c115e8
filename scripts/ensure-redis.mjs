import { canInstall, hasApt, install, runs } from './apt.mjs';
import { fail } from './step.mjs';

/** Makes `redis-server` available for the tests: on Debian and Ubuntu root installs it, elsewhere this says what to install. */
export function ensureRedis() {
  const problem = installRedis();
  if (problem) fail(`The tests need Redis. ${problem} ${advice()}`);
}

/**
 * Makes `redis-server` available where that needs nobody's help.
 * @returns undefined when it is, else a sentence that says why it is not
 */
export function installRedis() {
  if (isInstalled()) return undefined;
  if (!canInstall()) return 'redis-server is not installed.';
  if (!install('redis-server')) return 'apt-get could not install redis-server.';
  return isInstalled() ? undefined : 'redis-server is installed, but not on the PATH.';
}

/** What to do about it. */
export function advice() {
  if (hasApt()) return 'Run: sudo apt-get install redis-server';
  if (process.platform === 'darwin') return 'Run: brew install redis';
  return "Install Redis 6.2 or newer from your system's packages (Fedora: dnf install redis, Alpine: apk add redis).";
}

function isInstalled() {
  return runs('redis-server', '--version');
}
