import { join, resolve } from 'node:path';

import { loadEnvFile } from '../config/load-configuration.js';
import { TRANSPORT_NAMES, type TransportName } from '../config/configuration.js';
import { freePort } from './ports.js';

/** What the operator may choose about `npm start`. */
export interface QuickstartSettings {
  readonly port: number;
  /** Absolute. */
  readonly dataDir: string;
  /** As the operator wrote it, for messages and lines to paste. */
  readonly shownDataDir: string;
  readonly transport: TransportName;
  /** Servers of the operator's own, instead of embedded ones. */
  readonly redisUrl: string | undefined;
  readonly clickHouseUrl: string | undefined;
  /** `host:port` of a Pub/Sub emulator, and the project of Google's service, for TRANSPORT=pubsub. */
  readonly pubSubEmulatorHost: string | undefined;
  readonly pubSubProject: string | undefined;
}

/** @throws Error that names the variable and the fix */
export async function readQuickstartSettings(): Promise<QuickstartSettings> {
  loadEnvFile();
  const port = Number(setting('PORT') ?? 8000);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error('PORT must be a whole number from 0 to 65535. Example: PORT=8000');
  }
  const dataDir = setting('DATA_DIR') ?? '.data';
  const transport = setting('TRANSPORT') ?? 'bullmq';
  if (!isTransportName(transport)) {
    throw new Error(`TRANSPORT must be one of: ${TRANSPORT_NAMES.join(', ')}. Example: TRANSPORT=spool`);
  }
  return {
    port: port === 0 ? await freePort() : port,
    dataDir: resolve(dataDir),
    shownDataDir: join(dataDir),
    transport,
    redisUrl: setting('REDIS_URL'),
    clickHouseUrl: setting('CLICKHOUSE_URL'),
    pubSubEmulatorHost: setting('PUBSUB_EMULATOR_HOST'),
    pubSubProject: setting('PUBSUB_PROJECT'),
  };
}

function isTransportName(name: string): name is TransportName {
  return TRANSPORT_NAMES.some((known) => known === name);
}

function setting(name: string): string | undefined {
  const value = process.env[name]?.trim();
  return value === '' ? undefined : value;
}
