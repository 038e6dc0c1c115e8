import { isBlank } from '../common/text.rules.js';
import { JsonReader } from '../json/json.reader.js';
import { Decimal } from './decimal.js';

/**
 * An object of a webhook's body. Shopify leaves fields out, sends them as null or blank, and merchants can filter them, so each
 * field is read by its type and is undefined when it is not of that type.
 *
 * `JSON.parse` rounds integers above 2^53, which Shopify uses as ids. Their digits are read from the text.
 */
export class ShopifyObject {
  /**
   * @param fields the object as `JSON.parse` returned it
   * @param source the object's text, for digits that were rounded
   */
  constructor(
    private readonly fields: Readonly<Record<string, unknown>>,
    private readonly source: () => Uint8Array | undefined,
  ) {}

  /** Without the space around it; undefined when it is blank. */
  text(name: string): string | undefined {
    return textOf(this.fields[name]);
  }

  /** An id digit for digit, whether it was sent as a number or as text. */
  id(name: string): string | undefined {
    return idOf(this.fields[name], () => this.sourceOf(name));
  }

  /** A list of ids, without elements that are not ids. */
  ids(name: string): string[] {
    const list = this.fields[name];
    if (!Array.isArray(list)) return [];
    const sources = this.elementSourcesOf(name);
    return list.map((element, index) => idOf(element, () => sources()[index])).filter((id) => id !== undefined);
  }

  money(name: string): Decimal | undefined {
    return Decimal.from(this.fields[name]);
  }

  wholeNumber(name: string): number | undefined {
    const value = this.fields[name];
    return Number.isSafeInteger(value) ? (value as number) : undefined;
  }

  flag(name: string): boolean | undefined {
    const value = this.fields[name];
    return typeof value === 'boolean' ? value : undefined;
  }

  object(name: string): ShopifyObject | undefined {
    const value = this.fields[name];
    return isRecord(value) ? new ShopifyObject(value, () => this.sourceOf(name)) : undefined;
  }

  /** The objects of a list; other elements are empty objects, so that they count. */
  objects(name: string): readonly ShopifyObject[] | undefined {
    const list = this.fields[name];
    if (!Array.isArray(list)) return undefined;
    const sources = this.elementSourcesOf(name);
    return list.map((element, index) => new ShopifyObject(isRecord(element) ? element : {}, () => sources()[index]));
  }

  count(name: string): number | undefined {
    const list = this.fields[name];
    return Array.isArray(list) ? list.length : undefined;
  }

  private elementSourcesOf(name: string): () => Uint8Array[] {
    let sources: Uint8Array[] | undefined;
    return () => (sources ??= elementSources(this.sourceOf(name) ?? EMPTY_LIST));
  }

  private sourceOf(name: string): Uint8Array | undefined {
    const source = this.source();
    return source && memberSource(source, name);
  }
}

const EMPTY_LIST = Buffer.from('[]');

function textOf(value: unknown): string | undefined {
  const text = typeof value === 'string' ? value.trim() : '';
  // The warehouse cannot read unpaired surrogates.
  return !isBlank(text) && text.isWellFormed() ? text : undefined;
}

function idOf(value: unknown, source: () => Uint8Array | undefined): string | undefined {
  if (typeof value !== 'number') return textOf(value);
  if (!Number.isInteger(value) || value <= 0) return undefined;
  if (Number.isSafeInteger(value)) return String(value);
  const digits = Buffer.from(source() ?? []).toString();
  return /^\d{1,100}$/.test(digits) ? digits : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The text of a member as it was sent. Of repeated members the last counts, as for `JSON.parse`.
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
