import { spawnSync } from 'node:child_process';

/** Runs a command with its output in this terminal; ends this process with 1 when it fails. */
export function step(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', ...options });
  if (status === 0) return;
  fail(`\`${[command, ...args].join(' ')}\` failed${error ? `: ${error.message}` : ''}.`);
}

/** Says what is wrong and what to do about it, and ends this process with 1. */
export function fail(message) {
  console.error(message);
  process.exit(1);
}
