import { join, resolve } from 'node:path';

import { loadEnvFile } from '../config/env-file.js';
import { freePort } from './ports.js';

/** What the operator may choose about `npm start`. */
export interface QuickstartSettings {
  readonly port: number;
  /** Absolute. */
  readonly dataDir: string;
  /** As the operator wrote it, for messages and lines to paste. */
  readonly shownDataDir: string;
  /** Servers of the operator's own, instead of embedded ones. */
  readonly redisUrl: string | undefined;
  readonly clickHouseUrl: string | undefined;
}

/** @throws Error that names the variable and the fix */
export async function readQuickstartSettings(): Promise<QuickstartSettings> {
  loadEnvFile();
  const port = Number(setting('PORT') ?? 8000);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error('PORT must be a whole number from 0 to 65535. Example: PORT=8000');
  }
  const dataDir = setting('DATA_DIR') ?? '.data';
  return {
    port: port === 0 ? await freePort() : port,
    dataDir: resolve(dataDir),
    shownDataDir: join(dataDir),
    redisUrl: setting('REDIS_URL'),
    clickHouseUrl: setting('CLICKHOUSE_URL'),
  };
}

function setting(name: string): string | undefined {
  const value = process.env[name]?.trim();
  return value === '' ? undefined : value;
}
