import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { OperatorError } from '../common/operator.error.js';
import { Configuration } from '../config/configuration.js';
import { type EncryptionKeys, loadEncryptionKeys } from './encryption-keys.js';

const ALGORITHM = 'aes-256-gcm';
/** The size NIST SP 800-38D recommends. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What a public key's secret to sign user ids with belongs to. */
export const ownerOfApiKey = (id: string): string => `api key ${id}`;

/** What a tenant's Shopify secrets belong to. */
export const ownerOfShopify = (tenantId: string): string => `tenant ${tenantId}, Shopify`;

/**
 * Encrypts secrets that must be read again, for the database: AES-256-GCM, as `<key id>.<base64url of nonce, tag and
 * text>`. A secret is bound to what it belongs to, so that a row copied to another tenant cannot be read there.
 */
@Injectable()
export class SecretBox {
  private loaded: EncryptionKeys | undefined;

  constructor(private readonly configuration: Configuration) {}

  /** Loaded at the first use: commands that touch no secret need no key. */
  get keys(): EncryptionKeys {
    return (this.loaded ??= loadEncryptionKeys(this.configuration));
  }

  /** @param owner what the secret belongs to, such as `acme shopify`; needed again to decrypt it */
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
