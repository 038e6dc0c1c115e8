import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { step } from './step.mjs';

const BUILT = 'dist/main.js';
const INPUTS = ['src', 'tsconfig.json', 'nest-cli.json', 'package-lock.json'];

/** Builds when something that the build reads is newer than what it wrote. */
export function ensureBuild() {
  if (existsSync(BUILT) && Math.max(...INPUTS.map(changedAt)) < changedAt(BUILT)) return;
  console.log('Building …');
  step('node_modules/.bin/nest', ['build']);
}

/** Time of the last change in a file, or anywhere in a folder; a folder's own time tells of removed files. */
function changedAt(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => changedAt(join(path, name))));
}
