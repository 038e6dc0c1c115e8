import { hash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCodeOf } from '../common/error-code.js';
import { unwritable } from '../common/folder-lock.js';
import { OperatorError } from '../common/operator.error.js';
import type { Configuration } from '../config/configuration.js';

/** A key of 32 bytes, and the name by which what it encrypted refers to it. */
export interface EncryptionKey {
  readonly id: string;
  readonly bytes: Buffer;
}

/** The first encrypts, all decrypt. */
export type EncryptionKeys = readonly [EncryptionKey, ...EncryptionKey[]];

/**
 * The keys that `ENCRYPTION_KEY` lists. An embedded control plane has one made and kept in a file beside it, as nobody
 * else uses it.
 * @throws OperatorError without `ENCRYPTION_KEY` on a PostgreSQL: every instance must use the same
 */
export function loadEncryptionKeys({
  encryptionKey,
  databaseUrl,
  dataDir,
}: Pick<Configuration, 'encryptionKey' | 'databaseUrl' | 'dataDir'>): EncryptionKeys {
  if (encryptionKey === undefined && databaseUrl !== undefined) {
    throw new OperatorError(
      'ENCRYPTION_KEY is not set, and DATABASE_URL is. Set it to the same value on every instance; make one with: openssl rand -hex 32',
    );
  }
  const [current, ...previous] = (encryptionKey ?? embeddedKey(dataDir)).split(',').map(toKey);
  if (current === undefined) {
    throw new TypeError('a list of keys has a first one');
  }
  return [current, ...previous];
}

function toKey(hex: string): EncryptionKey {
  const bytes = Buffer.from(hex, 'hex');
  return { id: hash('sha256', bytes).slice(0, 8), bytes };
}

function embeddedKey(dataDir: string): string {
  const file = join(dataDir, 'encryption.key');
  try {
    mkdirSync(dataDir, { recursive: true });
    writeFileSync(file, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (errorCodeOf(error) !== 'EEXIST') {
      throw unwritable(dataDir, error, 'Set DATA_DIR to a folder that this process can write, or ENCRYPTION_KEY.');
    }
  }
  const key = readFileSync(file, 'utf8').trim();
  if (!/^[0-9a-f]{64}$/.test(key)) {
    throw new OperatorError(
      `${file} does not hold an encryption key of 64 hexadecimal digits. Restore it from a backup; without it stored secrets cannot be read.`,
    );
  }
  return key;
}
