/** What a property's value may be. */
export const PROPERTY_TYPES = ['string', 'number', 'boolean', 'datetime', 'array'] as const;

export type PropertyType = (typeof PROPERTY_TYPES)[number];

/** What a schema says about one member of a payload. */
export interface SchemaProperty {
  readonly name: string;
  readonly type: PropertyType;
  /** Whether an event without it, or with null in its place, is refused. */
  readonly required: boolean;
}

/** What a tenant expects of the payloads of one event type. Members that it does not name may be anything. */
export interface EventSchema {
  readonly eventType: string;
  /** Counts the changes: what was compiled from another version is out of date. */
  readonly version: number;
  readonly properties: readonly SchemaProperty[];
}
