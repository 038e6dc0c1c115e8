import { JsonReader } from '../json/json.reader.js';

/**
 * The text of an object's member as it was sent. Of repeated members the last one counts, as for `JSON.parse`.
 * @param json the text of an object, known to be valid
 * @returns undefined when there is no such member
 */
export function memberSource(json: Uint8Array, name: string): Uint8Array | undefined {
  const reader = new JsonReader(json);
  const wanted = Buffer.from(name);
  let source: Uint8Array | undefined;
  reader.enter();
  while (reader.nextMember()) {
    const isWanted = reader.isNamed(wanted);
    const start = reader.offset;
    reader.skipValue();
    if (isWanted) source = json.subarray(start, reader.offset);
  }
  return source;
}

/**
 * The texts of an array's elements as they were sent.
 * @param json the text of an array, known to be valid
 */
export function elementSources(json: Uint8Array): Uint8Array[] {
  const reader = new JsonReader(json);
  const sources: Uint8Array[] = [];
  reader.enter();
  while (reader.nextElement()) {
    const start = reader.offset;
    reader.skipValue();
    sources.push(json.subarray(start, reader.offset));
  }
  return sources;
}
