/**
 * SQL for a top-level property of the JSON text in `column`, NULL when it is missing or not of the type.
 * The parser of ClickHouse finds nothing in a document with an integer beyond 64 bits or a lone surrogate; such a document
 * is read again without them. The branch costs nothing for others (docs/warehouse.md, "Reading the payload").
 * @param property SQL of its name
 */
export function payloadValue(column: string, property: string, type: 'Float64' | 'String' | 'Bool'): string {
  const read = (json: string) => `JSONExtract(${json}, ${property}, 'Nullable(${type})')`;
  return `multiIf(${read(column)} IS NOT NULL, ${read(column)}, isValidJSON(${column}), NULL, ${read(repaired(column))})`;
}

/** Integers of 19 digits and more become floating-point numbers, escaped surrogates become U+FFFD. */
function repaired(column: string): string {
  const integers = String.raw`replaceRegexpAll(${column}, '([:,\\[]\\s*-?[0-9]{19,})', '\\1.0')`;
  return String.raw`replaceRegexpAll(${integers}, '\\\\u[dD][89a-fA-F][0-9a-fA-F]{2}', '\\\\ufffd')`;
}
