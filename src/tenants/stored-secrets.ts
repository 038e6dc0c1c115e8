import { Injectable } from '@nestjs/common';
import { and, eq, isNotNull, isNull, notLike, type SQLWrapper, sql } from 'drizzle-orm';
import { union } from 'drizzle-orm/pg-core';
import { OperatorError } from '../common/operator.error.js';
import { ControlPlaneDatabase } from './control-plane.database.js';
import { apiKeys, shopifySecrets } from './schema.js';
import { ownerOfApiKey, ownerOfShopify, SecretBox } from './secret.box.js';

interface ReEncryption {
  readonly reEncrypted: number;
  /** Owners of secrets that another key than the current one encrypts. */
  readonly left: readonly string[];
}

interface StoredSecret {
  readonly owner: string;
  readonly encrypted: string;
  /** @returns whether it was still the same */
  readonly replaceBy: (encrypted: string) => Promise<boolean>;
}

/** All encrypted secrets of the control plane. */
@Injectable()
export class StoredSecrets {
  constructor(
    private readonly database: ControlPlaneDatabase,
    private readonly box: SecretBox,
  ) {}

  /** @throws OperatorError when a secret in use is encrypted with a key that the settings do not list */
  async requireKeys(): Promise<void> {
    const used = await union(
      this.database.db
        .select({ id: keyIdIn(apiKeys.hmacSecret) })
        .from(apiKeys)
        .where(and(isNotNull(apiKeys.hmacSecret), isNull(apiKeys.revokedAt))),
      this.database.db.select({ id: keyIdIn(shopifySecrets.secret) }).from(shopifySecrets),
    );
    const missing = used.filter(({ id }) => !this.box.keys.some((key) => key.id === id));
    if (missing.length > 0) {
      throw new OperatorError(
        `Stored secrets are encrypted with the key ${missing.map(({ id }) => id).join(', ')}, which is neither in ENCRYPTION_KEY ` +
          'nor, without that, in encryption.key of DATA_DIR. Add the key behind the current one, or restore the file. ' +
          'If it is lost, `segops secrets re-encrypt` names the secrets that have to be set again.',
      );
    }
  }

  /**
   * Encrypts with the current key what other keys encrypted, and drops the secrets of revoked keys. Safe to repeat, and beside
   * instances that list the current key: it leaves what they change meanwhile.
   */
  async reEncrypt(): Promise<ReEncryption> {
    await this.database.db.update(apiKeys).set({ hmacSecret: null }).where(isNotNull(apiKeys.revokedAt));
    let reEncrypted = 0;
    for (const { owner, encrypted, replaceBy } of await this.underOtherKeys()) {
      const secret = this.read(encrypted, owner);
      if (secret !== undefined && (await replaceBy(this.box.encrypt(secret, owner)))) reEncrypted++;
    }
    return { reEncrypted, left: (await this.underOtherKeys()).map(({ owner }) => owner) };
  }

  /** @returns undefined when it cannot be decrypted */
  private read(encrypted: string, owner: string): string | undefined {
    try {
      return this.box.decrypt(encrypted, owner);
    } catch (error) {
      if (error instanceof OperatorError) return undefined;
      throw error;
    }
  }

  private async underOtherKeys(): Promise<StoredSecret[]> {
    const current = `${this.box.keys[0].id}.%`;
    const ofApiKeys = await this.database.db
      .select({ id: apiKeys.id, encrypted: sql<string>`${apiKeys.hmacSecret}` })
      .from(apiKeys)
      .where(notLike(apiKeys.hmacSecret, current));
    const ofShopify = await this.database.db
      .select({ id: shopifySecrets.id, tenantId: shopifySecrets.tenantSlug, encrypted: shopifySecrets.secret })
      .from(shopifySecrets)
      .where(notLike(shopifySecrets.secret, current));
    return [
      ...ofApiKeys.map(({ id, encrypted }) => ({
        owner: ownerOfApiKey(id),
        encrypted,
        replaceBy: async (hmacSecret: string) => {
          const isSame = and(eq(apiKeys.id, id), eq(apiKeys.hmacSecret, encrypted));
          const replaced = this.database.db.update(apiKeys).set({ hmacSecret }).where(isSame);
          return (await replaced.returning({ id: apiKeys.id })).length > 0;
        },
      })),
      ...ofShopify.map(({ id, tenantId, encrypted }) => ({
        owner: ownerOfShopify(tenantId),
        encrypted,
        replaceBy: async (secret: string) => {
          const isSame = and(eq(shopifySecrets.id, id), eq(shopifySecrets.secret, encrypted));
          const replaced = this.database.db.update(shopifySecrets).set({ secret }).where(isSame);
          return (await replaced.returning({ id: shopifySecrets.id })).length > 0;
        },
      })),
    ];
  }
}

function keyIdIn(encrypted: SQLWrapper) {
  return sql<string>`split_part(${encrypted}, '.', 1)`;
}
