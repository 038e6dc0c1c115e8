import type { FieldError } from '../events/object.validator.js';
import { JsonReader } from '../json/json.reader.js';
import { PROPERTY_TYPE_RULES, type PropertyTypeRule, type SchemaProperty } from './event-schema.js';

/** The bytes of the payload, with coerced values, or why it breaks the schema. */
export type SchemaResult =
  | { readonly valid: true; readonly payload: Uint8Array | undefined }
  | { readonly valid: false; readonly errors: readonly FieldError[] };

interface CompiledProperty extends PropertyTypeRule {
  readonly name: string;
  /** The error when it is absent; undefined for an optional one. */
  readonly missing: FieldError | undefined;
  readonly mistyped: FieldError;
}

/** A schema prepared for checking events. Keeps no state between them, so one instance serves every request. */
export class CompiledSchema {
  private readonly properties: readonly CompiledProperty[];

  constructor(properties: readonly SchemaProperty[]) {
    this.properties = properties.map(compile);
  }

  /**
   * Checks a payload and coerces texts. All broken properties are reported, each once, in the schema's order.
   * @param payload as `JSON.parse` returned it; undefined and null are an empty object
   * @param payloadBytes the same payload as it was sent
   * @returns `payloadBytes` itself when nothing is coerced, else a copy with the coerced values
   */
  apply(payload: unknown, payloadBytes: Uint8Array | undefined): SchemaResult {
    const members = isRecord(payload) ? payload : NO_MEMBERS;
    let errors: FieldError[] | undefined;
    let coerced: Map<string, string> | undefined;
    for (const property of this.properties) {
      // Not inherited ones: every object has a `constructor`.
      const value = Object.hasOwn(members, property.name) ? members[property.name] : undefined;
      if (value === undefined || value === null) {
        if (property.missing !== undefined) (errors ??= []).push(property.missing);
      } else if (!property.accepts(value)) {
        const json = typeof value === 'string' ? property.coerce?.(value) : undefined;
        if (json === undefined) (errors ??= []).push(property.mistyped);
        else (coerced ??= new Map<string, string>()).set(property.name, json);
      }
    }
    if (errors !== undefined) return { valid: false, errors };
    if (coerced === undefined || payloadBytes === undefined) return { valid: true, payload: payloadBytes };
    return { valid: true, payload: replaceMembers(payloadBytes, coerced) };
  }
}

const NO_MEMBERS: Readonly<Record<string, unknown>> = {};

function compile({ name, type, required }: SchemaProperty): CompiledProperty {
  const rule = PROPERTY_TYPE_RULES[type];
  const field = `payload.${name}`;
  return {
    ...rule,
    name,
    missing: required ? { field, code: 'required', message: 'is required.' } : undefined,
    mistyped: { field, code: 'invalid_type', message: rule.message },
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly json: string;
}

/**
 * Replaces the values of some members of a JSON object and leaves every other byte as it is. Of members with the same key the
 * last is replaced, which `JSON.parse` reports.
 * @param object the text of an object that `JSON.parse` has accepted
 * @param values JSON text by the name of the member
 */
function replaceMembers(object: Uint8Array, values: ReadonlyMap<string, string>): Uint8Array {
  const bytes = Buffer.from(object.buffer, object.byteOffset, object.byteLength);
  const parts: Uint8Array[] = [];
  let copied = 0;
  for (const { start, end, json } of findMembers(bytes, values)) {
    parts.push(bytes.subarray(copied, start), Buffer.from(json));
    copied = end;
  }
  parts.push(bytes.subarray(copied));
  return Buffer.concat(parts);
}

/** From left to right. */
function findMembers(object: Buffer, values: ReadonlyMap<string, string>): Iterable<Replacement> {
  const found = new Map<string, Replacement>();
  const reader = new JsonReader(object);
  reader.enter();
  while (reader.nextMember()) {
    const { key, offset: start } = reader;
    reader.skipValue();
    const json = values.get(key);
    if (json !== undefined) {
      // A Map keeps the position of a key that is set again; only a new key goes to the end.
      found.delete(key);
      found.set(key, { start, end: reader.offset, json });
    }
  }
  return found.values();
}
