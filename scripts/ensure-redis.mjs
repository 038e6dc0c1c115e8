import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

import { fail } from './step.mjs';

const POLICY = '/usr/sbin/policy-rc.d';

/** Makes `redis-server` available: on Debian and Ubuntu root installs it, elsewhere this says what to install. */
export function ensureRedis() {
  if (runs('redis-server', '--version')) return;
  const hasApt = process.platform === 'linux' && runs('apt-get', '--version');
  if (!hasApt || process.getuid() !== 0) {
    fail(`SegOps queues events in Redis, and redis-server is not installed. ${advice(hasApt)}`);
  }
  console.log('Installing redis-server (apt-get) …');
  withoutServiceStart(() => {
    if (!installs()) {
      apt('update');
      if (!installs())
        fail('apt-get could not install redis-server. Install Redis 6.2 or newer by hand, or set REDIS_URL.');
    }
  });
  if (!runs('redis-server', '--version'))
    fail('redis-server is installed, but not on the PATH. Add its folder to PATH.');
}

function advice(hasApt) {
  const orUrl = 'or set REDIS_URL for `npm start` to a Redis of your own.';
  if (hasApt) return `Run: sudo apt-get install redis-server   ${orUrl}`;
  if (process.platform === 'darwin') return `Run: brew install redis   ${orUrl}`;
  return `Install Redis 6.2 or newer from your system's packages (Fedora: dnf install redis, Alpine: apk add redis), ${orUrl}`;
}

function installs() {
  return apt('install', '--yes', '--no-install-recommends', 'redis-server') === 0;
}

function apt(...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync('apt-get', ['-qq', '-o', 'Dpkg::Use-Pty=0', ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env,
  }).status;
}

/** Debian's own way to install a server without having it started; a policy that exists already is left to decide. */
function withoutServiceStart(install) {
  if (existsSync(POLICY)) return install();
  writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  process.once('exit', () => rmSync(POLICY, { force: true }));
  install();
}

function runs(command, ...args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
