import { readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Table } from '../figure.js';
import { CpuProfile } from './cpu.profile.js';

const SUFFIX = '.cpuprofile';

/** The tables of all profiles in a folder. Writes their folded stacks beside them. */
export function describeProfiles(folder: string): Table[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(SUFFIX))
    .map((file) => {
      const profile = CpuProfile.read(join(folder, file));
      const name = basename(file, SUFFIX);
      writeFileSync(join(folder, `${name}.folded`), profile.foldedStacks());
      return profile.topSelfTimes(`Where the process ${name} spends its time`);
    });
}
