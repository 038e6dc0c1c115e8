import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { and, asc, eq, isNull, sql } from 'drizzle-orm';
import type { ApiKey, ApiKeyMode, ApiKeySummary, ApiKeyType } from './api-key.js';
import { ApiKeyCache } from './api-key.cache.js';
import { generateKey, hashKey, hasKeyForm, prefixOf } from './api-key.text.js';
import { ControlPlaneDatabase, type Database } from './control-plane.database.js';
import { ControlPlaneUnavailableError } from './control-plane-unavailable.error.js';
import { apiKeys } from './schema.js';
import { TenantError } from './tenant.error.js';
import { Tenants } from './tenants.service.js';

const MAX_NAME_LENGTH = 255;
/** Where the hash of a key is said once it was revoked. */
const REVOCATIONS = 'api_key_revocations';

/** The tenants' API keys. */
@Injectable()
export class ApiKeys {
  private readonly logger = new Logger(ApiKeys.name);
  private readonly db: Database;
  private readonly cache = new ApiKeyCache();
  private readonly lookups = new Map<string, Promise<ApiKey | undefined>>();
  private databaseAnswers = true;
  private listening: Promise<void> | undefined;
  /** Counts what was heard of revocations: an answer that was asked for before one may be outdated. */
  private revocations = 0;

  constructor(
    private readonly database: ControlPlaneDatabase,
    private readonly tenants: Tenants,
  ) {
    this.db = database.db;
  }

  /**
   * Makes a key. `key` is its text, which cannot be read again.
   * @throws TenantError when there is no such tenant or the name is not acceptable.
   */
  async create(request: {
    tenantId: string;
    name: string;
    type: ApiKeyType;
    mode: ApiKeyMode;
  }): Promise<{ id: string; name: string; key: string }> {
    const { tenantId, name, type, mode } = request;
    if (name.trim() === '' || name.length > MAX_NAME_LENGTH) {
      throw new TenantError(`A key's name is 1 to ${MAX_NAME_LENGTH} characters, not all blank.`);
    }
    if ((await this.tenants.find(tenantId)) === undefined) {
      throw new TenantError(`There is no tenant "${tenantId}". Create it first, or check the slug.`);
    }
    const id = randomUUID();
    const key = generateKey(type, mode);
    await this.db.insert(apiKeys).values({
      id,
      tenantSlug: tenantId,
      name,
      type,
      mode,
      keyHash: hashKey(key),
      prefix: prefixOf(type, mode),
      lastFour: key.slice(-4),
    });
    return { id, name, key };
  }

  /** All keys of a tenant, revoked ones too, oldest first. */
  async list(tenantId: string): Promise<ApiKeySummary[]> {
    const { id, name, type, prefix, lastFour, createdAt, revokedAt } = apiKeys;
    return this.db
      .select({ id, name, type, prefix, lastFour, createdAt, revokedAt })
      .from(apiKeys)
      .where(eq(apiKeys.tenantSlug, tenantId))
      .orderBy(asc(apiKeys.createdAt));
  }

  /**
   * Ends a key for good. Every instance hears of it at once, and refuses it from then on.
   * @throws TenantError when the tenant has no such key, or it was revoked before.
   */
  async revoke({ tenantId, id }: { tenantId: string; id: string }): Promise<void> {
    const hash = await this.db.transaction(async (transaction) => {
      const [revoked] = await transaction
        .update(apiKeys)
        .set({ revokedAt: sql`now()` })
        .where(and(eq(apiKeys.tenantSlug, tenantId), eq(sql`${apiKeys.id}::text`, id), isNull(apiKeys.revokedAt)))
        .returning({ hash: apiKeys.keyHash });
      if (revoked === undefined) {
        throw new TenantError(
          `The tenant "${tenantId}" has no valid key with the id "${id}". List its keys to see them.`,
        );
      }
      await transaction.execute(sql`SELECT pg_notify(${REVOCATIONS}, ${revoked.hash})`);
      return revoked.hash;
    });
    this.onRevocation(hash);
  }

  /**
   * The valid key with this text, or `undefined`. A key asked for in the last 5 s and not revoked since is answered from
   * memory. While the
   * database is down, keys that it confirmed within the last 5 minutes stay valid.
   * @throws ControlPlaneUnavailableError when the database is down and the key was not confirmed lately.
   */
  async find(key: string): Promise<ApiKey | undefined> {
    if (!hasKeyForm(key)) {
      return undefined;
    }
    const hash = hashKey(key);
    const cached = this.cache.get(hash);
    return cached === undefined ? this.lookUpOnce(hash) : (cached ?? undefined);
  }

  /** Concurrent requests with the same key share one query. */
  private lookUpOnce(hash: string): Promise<ApiKey | undefined> {
    const running = this.lookups.get(hash);
    if (running !== undefined) {
      return running;
    }
    const lookup = this.lookUp(hash).finally(() => this.lookups.delete(hash));
    this.lookups.set(hash, lookup);
    return lookup;
  }

  private async lookUp(hash: string): Promise<ApiKey | undefined> {
    try {
      await (this.listening ??= this.database.listen(REVOCATIONS, (revoked) => {
        this.onRevocation(revoked);
      }));
      const revocations = this.revocations;
      const [apiKey] = await this.db
        .select({ id: apiKeys.id, tenantId: apiKeys.tenantSlug, type: apiKeys.type, mode: apiKeys.mode })
        .from(apiKeys)
        .where(and(eq(apiKeys.keyHash, hash), isNull(apiKeys.revokedAt)));
      if (revocations === this.revocations) this.cache.set(hash, apiKey ?? null);
      this.noteAnswer();
      return apiKey;
    } catch (error) {
      const unavailable = new ControlPlaneUnavailableError(error);
      this.noteFailure(unavailable);
      const apiKey = this.cache.extend(hash);
      if (apiKey === undefined) {
        throw unavailable;
      }
      return apiKey;
    }
  }

  /** @param hash of the revoked key; undefined when any may have been revoked unheard */
  private onRevocation(hash: string | undefined): void {
    this.revocations++;
    if (hash === undefined) this.cache.clear();
    else this.cache.forget(hash);
  }

  private noteAnswer(): void {
    if (!this.databaseAnswers) {
      this.logger.log('The control plane answers again.');
    }
    this.databaseAnswers = true;
  }

  /** Logged once per outage, not once per request. */
  private noteFailure({ message }: ControlPlaneUnavailableError): void {
    if (this.databaseAnswers) {
      this.logger.error(`${message} Keys in use keep working for 5 minutes.`);
    }
    this.databaseAnswers = false;
  }
}
