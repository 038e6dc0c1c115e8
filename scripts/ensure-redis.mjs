import { canInstall, hasApt, install, runs } from './apt.mjs';
import { fail } from './step.mjs';

/** Makes `redis-server` available: on Debian and Ubuntu root installs it, elsewhere this says what to install. */
export function ensureRedis() {
  if (runs('redis-server', '--version')) return;
  if (!canInstall()) {
    fail(`SegOps queues events in Redis, and redis-server is not installed. ${advice()}`);
  }
  if (!install('redis-server')) {
    fail('apt-get could not install redis-server. Install Redis 6.2 or newer by hand, or set REDIS_URL.');
  }
  if (!runs('redis-server', '--version'))
    fail('redis-server is installed, but not on the PATH. Add its folder to PATH.');
}

function advice() {
  const orUrl = 'or set REDIS_URL for `npm start` to a Redis of your own.';
  if (hasApt()) return `Run: sudo apt-get install redis-server   ${orUrl}`;
  if (process.platform === 'darwin') return `Run: brew install redis   ${orUrl}`;
  return `Install Redis 6.2 or newer from your system's packages (Fedora: dnf install redis, Alpine: apk add redis), ${orUrl}`;
}
