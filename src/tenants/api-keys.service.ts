import { randomBytes, randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { and, arrayOverlaps, asc, eq, isNull, type SQL, sql } from 'drizzle-orm';
import { problemOfName } from '../common/text.rules.js';
import {
  type ApiKey,
  type ApiKeyMode,
  type ApiKeySummary,
  type ApiKeyType,
  type CreatedApiKey,
  generateKey,
  hashKey,
  hasKeyForm,
  prefixOf,
} from './api-key.js';
import { ApiKeyUsage } from './api-key.usage.js';
import { CachedLookup } from './cached-lookup.js';
import { ControlPlaneChanges } from './control-plane.changes.js';
import { ControlPlaneDatabase } from './control-plane.database.js';
import { entriesThatAdmit, normalizeOrigin } from './origins.js';
import { apiKeys } from './schema.js';
import { ownerOfApiKey, SecretBox } from './secret.box.js';
import { TenantError } from './tenant.js';
import { Tenants } from './tenants.service.js';

const MAX_ORIGINS = 100;
const HMAC_SECRET_BYTES = 32;

export interface NewApiKey {
  readonly tenantId: string;
  readonly name: string;
  readonly type: ApiKeyType;
  readonly mode: ApiKeyMode;
  /** For public keys. */
  readonly allowedOrigins?: readonly string[];
  /** For public keys. */
  readonly requireSignedUserId?: boolean;
}

@Injectable()
export class ApiKeys {
  private readonly byHash: CachedLookup<ApiKey>;
  private readonly byId: CachedLookup<ApiKey>;
  private readonly origins: CachedLookup<ApiKey>;

  constructor(
    private readonly database: ControlPlaneDatabase,
    private readonly changes: ControlPlaneChanges,
    private readonly tenants: Tenants,
    private readonly secrets: SecretBox,
    private readonly usage: ApiKeyUsage,
  ) {
    this.byHash = new CachedLookup(changes, 'api_key_hash', (hash) => this.load(eq(apiKeys.keyHash, hash)));
    this.byId = new CachedLookup(changes, 'api_key_id', (id) => this.load(eq(apiKeys.id, id)));
    this.origins = new CachedLookup(changes, 'origin', (origin) =>
      this.load(arrayOverlaps(apiKeys.allowedOrigins, entriesThatAdmit(origin))),
    );
  }

  /**
   * Makes a key. Its text and the `hmacSecret` of a public key cannot be read again.
   * @throws TenantError when there is no such tenant, or the name or an origin is not acceptable.
   */
  async create(request: NewApiKey): Promise<CreatedApiKey> {
    const { tenantId, name, type, mode } = request;
    const problem = problemOfName(name);
    if (problem !== undefined) throw new TenantError(`A key's name ${problem}`);
    const allowedOrigins = normalizeOrigins(request.allowedOrigins ?? []);
    const requireSignedUserId = request.requireSignedUserId ?? false;
    if (type === 'secret' && (allowedOrigins.length > 0 || requireSignedUserId)) {
      throw new TenantError('Only public keys have allowed origins and signed user ids. Make a public key.');
    }
    await this.tenants.require(tenantId);
    const id = randomUUID();
    const key = generateKey(type, mode);
    const hmacSecret = type === 'public' ? randomBytes(HMAC_SECRET_BYTES).toString('hex') : undefined;
    await this.changes.commit(async (transaction, note) => {
      await transaction.insert(apiKeys).values({
        id,
        tenantSlug: tenantId,
        name,
        type,
        mode,
        keyHash: hashKey(key),
        prefix: prefixOf(type, mode),
        lastFour: key.slice(-4),
        allowedOrigins,
        requireSignedUserId,
        hmacSecret: hmacSecret === undefined ? null : this.secrets.encrypt(hmacSecret, ownerOfApiKey(id)),
      });
      if (allowedOrigins.length > 0) note('origin');
    });
    return { id, name, key, ...(hmacSecret === undefined ? {} : { hmacSecret }) };
  }

  /**
   * Keys of a tenant, revoked ones too, oldest first.
   * @param page all of them, unless it says how many at most, and after which id
   */
  async list(tenantId: string, page: { after?: string | undefined; limit?: number } = {}): Promise<ApiKeySummary[]> {
    const { after, limit = Number.MAX_SAFE_INTEGER } = page;
    const { id, name, type, prefix, lastFour, allowedOrigins, requireSignedUserId } = apiKeys;
    const { createdAt, lastUsedAt, revokedAt } = apiKeys;
    const shown = { id, name, type, prefix, lastFour, allowedOrigins, requireSignedUserId };
    const isAfter = sql`(${createdAt}, ${id}) > (
      SELECT last.created_at, last.id FROM ${apiKeys} last WHERE last.tenant_slug = ${tenantId} AND last.id = ${after})`;
    const keys = await this.database.db
      .select({ ...shown, createdAt, lastUsedAt, revokedAt })
      .from(apiKeys)
      .where(and(eq(apiKeys.tenantSlug, tenantId), after === undefined ? undefined : isAfter))
      .orderBy(asc(createdAt), asc(id))
      .limit(limit);
    return keys.map((key) => ({ ...key, lastUsedAt: later(this.usage.of(key.id), key.lastUsedAt) }));
  }

  /**
   * Ends a key on every instance (see {@link ControlPlaneChanges.commitForAll}).
   * @throws TenantError when the tenant has no such key, or it was revoked before.
   */
  async revoke({ tenantId, id }: { tenantId: string; id: string }): Promise<void> {
    await this.changes.commitForAll(async (transaction, note) => {
      const [revoked] = await transaction
        .update(apiKeys)
        .set({ revokedAt: sql`now()` })
        .where(and(eq(apiKeys.tenantSlug, tenantId), eq(sql`${apiKeys.id}::text`, id), isNull(apiKeys.revokedAt)))
        .returning({ hash: apiKeys.keyHash, allowedOrigins: apiKeys.allowedOrigins });
      if (revoked === undefined) {
        throw new TenantError(
          `The tenant "${tenantId}" has no valid key with the id "${id}". List its keys to see them.`,
        );
      }
      note('api_key_hash', revoked.hash);
      note('api_key_id', id);
      if (revoked.allowedOrigins.length > 0) note('origin');
    });
  }

  /**
   * The valid key with this text, or `undefined`; from memory where possible (see {@link CachedLookup}).
   * @param address the client's
   * @throws ControlPlaneUnavailableError, ApiError as {@link CachedLookup.find}
   */
  async find(key: string, address?: string): Promise<ApiKey | undefined> {
    if (!hasKeyForm(key)) return undefined;
    return this.noteUse(await this.byHash.find(hashKey(key), address));
  }

  /** As {@link find}, from memory; `undefined` when only {@link find} can tell. */
  recall(key: string): ApiKey | undefined {
    return this.noteUse(this.byHash.peek(hashKey(key)) ?? undefined);
  }

  /**
   * The valid key with this id, a UUID, or `undefined`.
   * @throws ControlPlaneUnavailableError as {@link find}
   */
  findById(id: string): Promise<ApiKey | undefined> {
    return this.byId.find(id);
  }

  /** As {@link recall}. */
  recallById(id: string): ApiKey | undefined {
    return this.byId.peek(id) ?? undefined;
  }

  /**
   * Whether any valid key admits requests from this origin.
   * @param address the client's
   * @throws ControlPlaneUnavailableError, ApiError as {@link find}
   */
  async admitsOrigin(origin: string, address?: string): Promise<boolean> {
    return (await this.origins.find(origin, address)) !== undefined;
  }

  /** The secret for signing user ids, in hex. @throws TypeError for a secret key, which has none */
  hmacSecretOf({ id, encryptedHmacSecret }: ApiKey): string {
    if (encryptedHmacSecret === null) throw new TypeError(`The key ${id} has no HMAC secret`);
    return this.secrets.decrypt(encryptedHmacSecret, ownerOfApiKey(id));
  }

  private noteUse(found: ApiKey | undefined): ApiKey | undefined {
    if (found !== undefined) this.usage.note(found.id);
    return found;
  }

  private async load(condition: SQL): Promise<ApiKey | undefined> {
    const { id, tenantSlug: tenantId, type, allowedOrigins, requireSignedUserId, hmacSecret } = apiKeys;
    const [apiKey] = await this.database.db
      .select({ id, tenantId, type, allowedOrigins, requireSignedUserId, encryptedHmacSecret: hmacSecret })
      .from(apiKeys)
      .where(and(condition, isNull(apiKeys.revokedAt)))
      .limit(1);
    return apiKey;
  }
}

function later(a: Date | undefined, b: Date | null): Date | null {
  return a !== undefined && (b === null || a > b) ? a : b;
}

function normalizeOrigins(entries: readonly string[]): string[] {
  if (entries.length > MAX_ORIGINS) throw new TenantError(`A key has at most ${MAX_ORIGINS} allowed origins.`);
  const origins = entries.map((entry) => {
    const origin = normalizeOrigin(entry);
    if (origin === undefined) {
      throw new TenantError(
        `An allowed origin reads https://shop.example.com or https://*.example.com, without a path, and with no public suffix such as co.uk or github.io after the wildcard; one of these does not.`,
      );
    }
    return origin;
  });
  return [...new Set(origins)];
}
