import { Injectable } from '@nestjs/common';
import { and, asc, eq, gt, sql } from 'drizzle-orm';
import { LRUCache } from 'lru-cache';
import { CachedLookup } from '../tenants/cached-lookup.js';
import { ControlPlaneChanges } from '../tenants/control-plane.changes.js';
import { ControlPlaneDatabase } from '../tenants/control-plane.database.js';
import { eventSchemas } from '../tenants/schema.js';
import { CompiledSchema } from './compiled-schema.js';
import type { EventSchema, SchemaProperty } from './event-schema.js';

/** A tenant's schemas, ready to be applied, by event type. */
export type TenantSchemas = ReadonlyMap<string, CompiledSchema>;

/** One of five properties takes about 1 kB. */
const MAX_COMPILED = 10_000;

type StoredSchema = typeof eventSchemas.$inferSelect;

/** What tenants expect of the payloads of their events. */
@Injectable()
export class EventSchemas {
  private readonly byTenant: CachedLookup<TenantSchemas>;
  private readonly compiled = new LRUCache<string, CompiledSchema>({ max: MAX_COMPILED });

  constructor(
    private readonly database: ControlPlaneDatabase,
    private readonly changes: ControlPlaneChanges,
  ) {
    this.byTenant = new CachedLookup(changes, 'event_schemas', (tenantId) => this.load(tenantId));
  }

  /**
   * The tenant's schemas, from memory where possible, compiled once per version.
   * @throws ControlPlaneUnavailableError as {@link CachedLookup.find}
   */
  async of(tenantId: string): Promise<TenantSchemas> {
    return (await this.byTenant.find(tenantId)) ?? new Map();
  }

  /** The first `limit` schemas of a tenant whose event types come after `after`, by event type. */
  async list(tenantId: string, after: string, limit: number): Promise<EventSchema[]> {
    const { tenantSlug, eventType } = eventSchemas;
    return this.database.db
      .select()
      .from(eventSchemas)
      .where(and(eq(tenantSlug, tenantId), gt(eventType, after)))
      .orderBy(asc(eventType))
      .limit(limit);
  }

  async find(tenantId: string, eventType: string): Promise<EventSchema | undefined> {
    const [schema] = await this.database.db.select().from(eventSchemas).where(isSchema(tenantId, eventType));
    return schema;
  }

  /** Makes a schema, in force on every instance from the next request on; undefined when the event type has one already. */
  async create(
    tenantId: string,
    eventType: string,
    properties: readonly SchemaProperty[],
  ): Promise<EventSchema | undefined> {
    return this.changes.commit(async (transaction, note) => {
      const [created] = await transaction
        .insert(eventSchemas)
        .values({ tenantSlug: tenantId, eventType, properties: [...properties] })
        .onConflictDoNothing()
        .returning();
      note('event_schemas', tenantId);
      return created;
    });
  }

  /** Makes a schema or replaces its properties, in force on every instance from the next request on. */
  async put(tenantId: string, eventType: string, properties: readonly SchemaProperty[]): Promise<EventSchema> {
    return this.changes.commit(async (transaction, note) => {
      const [stored] = await transaction
        .insert(eventSchemas)
        .values({ tenantSlug: tenantId, eventType, properties: [...properties] })
        .onConflictDoUpdate({
          target: [eventSchemas.tenantSlug, eventSchemas.eventType],
          set: {
            properties: [...properties],
            version: sql`${eventSchemas.version} + 1`,
            updatedAt: sql`clock_timestamp()`,
          },
        })
        .returning();
      if (stored === undefined) throw new TypeError('an upsert returns its row');
      note('event_schemas', tenantId);
      return stored;
    });
  }

  /** @returns whether there was one */
  async remove(tenantId: string, eventType: string): Promise<boolean> {
    return this.changes.commit(async (transaction, note) => {
      const removed = await transaction.delete(eventSchemas).where(isSchema(tenantId, eventType)).returning();
      note('event_schemas', tenantId);
      return removed.length > 0;
    });
  }

  private async load(tenantId: string): Promise<TenantSchemas> {
    const schemas = await this.database.db.select().from(eventSchemas).where(eq(eventSchemas.tenantSlug, tenantId));
    return new Map(schemas.map((schema) => [schema.eventType, this.compile(schema)]));
  }

  private compile({ tenantSlug, eventType, version, properties, createdAt }: StoredSchema): CompiledSchema {
    // A schema that was removed and made again has version 1, too.
    const key = `${tenantSlug} ${eventType} ${createdAt.getTime()} ${version}`;
    const schema = this.compiled.get(key) ?? new CompiledSchema(properties);
    this.compiled.set(key, schema);
    return schema;
  }
}

function isSchema(tenantId: string, eventType: string) {
  return and(eq(eventSchemas.tenantSlug, tenantId), eq(eventSchemas.eventType, eventType));
}
