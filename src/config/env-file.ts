import { existsSync } from 'node:fs';
import { loadEnvFile as load } from 'node:process';

/** Adds the variables of a `.env` file to the environment, when there is one. What is set already stays as it is. */
export function loadEnvFile(path = '.env'): void {
  if (existsSync(path)) {
    load(path);
  }
}
