import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { unwritable } from '../common/folder-lock.js';
import { errorCodeOf, OperatorError } from '../common/operator.error.js';
import { Configuration } from '../config/configuration.js';

/** A key of 32 bytes, and the id that stands in what it encrypted. */
interface EncryptionKey {
  readonly id: string;
  readonly bytes: Buffer;
}

/** The first encrypts, all decrypt. */
type EncryptionKeys = readonly [EncryptionKey, ...EncryptionKey[]];

/**
 * The keys that `ENCRYPTION_KEY` lists. An embedded control plane has a key of its own, in a file beside it.
 * @throws OperatorError without `ENCRYPTION_KEY` on a PostgreSQL: every instance must use the same
 */
function loadEncryptionKeys({
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
  if (current === undefined) throw new TypeError('a list of keys has a first one');
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

const ALGORITHM = 'aes-256-gcm';
/** The size NIST SP 800-38D recommends. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export const ownerOfApiKey = (id: string): string => `api key ${id}`;

export const ownerOfShopify = (tenantId: string): string => `tenant ${tenantId}, Shopify`;

/**
 * Encrypts secrets that must be read again, for the database: AES-256-GCM, as `<key id>.<base64url of nonce, tag and text>`. A
 * secret is bound to its owner: a row that was copied to another tenant cannot be read there.
 */
@Injectable()
export class SecretBox {
  private loaded: EncryptionKeys | undefined;

  constructor(private readonly configuration: Configuration) {}

  /** Loaded at the first use: commands without secrets need no key. */
  get keys(): EncryptionKeys {
    return (this.loaded ??= loadEncryptionKeys(this.configuration));
  }

  /** @param owner needed again to decrypt it */
  encrypt(secret: string, owner: string): string {
    const [key] = this.keys;
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, key.bytes, nonce).setAAD(Buffer.from(owner));
    const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
    return `${key.id}.${Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64url')}`;
  }

  /** @throws OperatorError when the key is not in `ENCRYPTION_KEY` any more, or the text was tampered with */
  decrypt(encrypted: string, owner: string): string {
    const [id = '', body = ''] = encrypted.split('.', 2);
    const key = this.keys.find((candidate) => candidate.id === id);
    if (key === undefined) {
      throw new OperatorError(
        `A stored secret of ${owner} was encrypted with the key ${id}, which ENCRYPTION_KEY does not list. Add that key behind the current one.`,
      );
    }
    const bytes = Buffer.from(body, 'base64url');
    const decipher = createDecipheriv(ALGORITHM, key.bytes, bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    try {
      decipher.setAAD(Buffer.from(owner)).setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      return decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    } catch {
      throw new OperatorError(`A stored secret of ${owner} is damaged. Set it again.`);
    }
  }
}
