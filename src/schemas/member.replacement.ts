import { JsonReader } from '../json/json.reader.js';

interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly json: string;
}

/**
 * Replaces the values of some members of a JSON object and leaves every other byte as it is. Of members with the same
 * key the last one is replaced: it is the one that `JSON.parse` reports.
 * @param object the text of an object that `JSON.parse` has accepted
 * @param values JSON text by the name of the member
 */
export function replaceMembers(object: Uint8Array, values: ReadonlyMap<string, string>): Uint8Array {
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

/** Where the members stand, from left to right. */
function findMembers(object: Buffer, values: ReadonlyMap<string, string>): Iterable<Replacement> {
  const found = new Map<string, Replacement>();
  const reader = new JsonReader(object);
  reader.enter();
  while (reader.nextMember()) {
    const { key, offset: start } = reader;
    reader.skipValue();
    const json = values.get(key);
    if (json !== undefined) {
      // A Map keeps the place of a key that is set again; only a new one goes to the end.
      found.delete(key);
      found.set(key, { start, end: reader.offset, json });
    }
  }
  return found.values();
}
