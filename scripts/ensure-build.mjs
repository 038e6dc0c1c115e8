import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { step } from './step.mjs';

const BUILT = 'dist/main.js';
const INPUTS = ['src', 'tsconfig.json', 'nest-cli.json', 'package-lock.json'];

/** Builds unless there is a build already. */
export function ensureBuild() {
  if (isBuilt()) return;
  console.log('Building …');
  step('node_modules/.bin/nest', ['build']);
}

/** Whether nothing that the build reads is newer than what it wrote. */
export function isBuilt() {
  return existsSync(BUILT) && Math.max(...INPUTS.map(changedAt)) < changedAt(BUILT);
}

/** Time of the last change in a file, or anywhere in a folder but for specs; a folder's own time tells of removed files. */
function changedAt(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  const names = readdirSync(path).filter((name) => !name.endsWith('.spec.ts'));
  return Math.max(stat.mtimeMs, ...names.map((name) => changedAt(join(path, name))));
}
