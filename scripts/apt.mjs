import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

const POLICY = '/usr/sbin/policy-rc.d';

/** Whether this is a Debian or Ubuntu. */
export function hasApt() {
  return process.platform === 'linux' && runs('apt-get', '--version');
}

/** Whether packages can be installed here without asking anybody. */
export function canInstall() {
  return hasApt() && process.getuid() === 0;
}

/** Installs a package without starting its service. @returns whether that worked */
export function install(name) {
  console.log(`Installing ${name} (apt-get) …`);
  return withoutServiceStart(() => installs(name) || (apt('update') === 0 && installs(name)));
}

export function runs(command, ...args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function installs(name) {
  return apt('install', '--yes', '--no-install-recommends', name) === 0;
}

function apt(...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync('apt-get', ['-qq', '-o', 'Dpkg::Use-Pty=0', ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env,
  }).status;
}

/** Debian's own way to install a server without having it started; a policy that exists already is left to decide. */
function withoutServiceStart(work) {
  if (existsSync(POLICY)) return work();
  writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const remove = () => rmSync(POLICY, { force: true });
  process.once('exit', remove);
  try {
    return work();
  } finally {
    remove();
  }
}
