import { getMetadataStorage } from 'class-validator';

/** A JSON Schema (2020-12), or a part of one. */
export type JsonSchema = Readonly<Record<string, unknown>>;

type Dto = new () => object;
type Rule = ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']>[number];

/**
 * The JSON Schema of what a DTO takes, made of its class-validator rules. Members that it does not name may be anything: they
 * are ignored. A property with an initial value, with `@IsOptional()`, or without the rule `required` where others have it, may
 * be left out; unless it has an initial value, null is the same.
 * @throws TypeError for a rule of which JSON Schema is not told anything
 */
export function schemaOf(dto: Dto): JsonSchema {
  const rules = getMetadataStorage().getTargetValidationMetadatas(dto, '', false, false);
  const defaults = new dto() as Readonly<Record<string, unknown>>;
  const saysRequired = rules.some(({ name }) => name === 'required');
  const properties: Record<string, JsonSchema> = {};
  const required: string[] = [];
  for (const name of new Set(rules.map(({ propertyName }) => propertyName))) {
    const own = rules.filter(({ propertyName }) => propertyName === name);
    const isOptional = own.some((rule) => rule.name === 'isOptional');
    const schema = mergeAll(own.map(schemaOfRule));
    if (defaults[name] !== undefined) {
      properties[name] = { ...schema, default: defaults[name] };
    } else if (saysRequired ? own.some((rule) => rule.name === 'required') : !isOptional) {
      properties[name] = schema;
      required.push(name);
    } else {
      properties[name] = orNull(schema);
    }
  }
  return { type: 'object', properties, ...(required.length === 0 ? {} : { required }) };
}

/** What {@link schemaOf} says of one property, for another DTO that holds a value to its rules. */
export function schemaOfField(dto: Dto, field: string): JsonSchema {
  const { [field]: schema } = schemaOf(dto)['properties'] as Readonly<Record<string, JsonSchema>>;
  if (schema === undefined) throw new TypeError(`${dto.name} has no rules for ${field}`);
  return schema;
}

function schemaOfRule(rule: Rule): JsonSchema {
  const { schema } = (rule.context ?? {}) as { schema?: JsonSchema };
  const said = schema ?? schemaOfKnownRule(rule);
  return rule.each ? { items: said } : said;
}

/** class-validator's own rules, as far as DTOs use them. */
function schemaOfKnownRule({ name, type, constraints, propertyName, target }: Rule): JsonSchema {
  const [first, second] = (constraints as readonly unknown[] | undefined) ?? [];
  switch (name ?? type) {
    case 'isOptional':
      return {};
    case 'isString':
      return { type: 'string' };
    case 'isBoolean':
      return { type: 'boolean' };
    case 'isArray':
      return { type: 'array' };
    case 'arrayMaxSize':
      return { maxItems: first };
    case 'matches':
      return { type: 'string', pattern: (first as RegExp).source };
    case 'isLength':
      return { minLength: first, maxLength: second };
    case 'isIn':
      return { type: 'string', enum: first };
    case 'min':
      return { type: 'integer', minimum: first };
    default: {
      const owner = typeof target === 'string' ? target : target.name;
      throw new TypeError(`${owner}.${propertyName}: say in dto.schema.ts what the rule ${name ?? type} means`);
    }
  }
}

function mergeAll(parts: readonly JsonSchema[]): JsonSchema {
  return parts.reduce((whole, part) => {
    const items = { ...(whole['items'] as JsonSchema | undefined), ...(part['items'] as JsonSchema | undefined) };
    return { ...whole, ...part, ...(Object.keys(items).length === 0 ? {} : { items }) };
  }, {});
}

function orNull(schema: JsonSchema): JsonSchema {
  const { type, enum: values } = schema;
  return {
    ...schema,
    type: [type, 'null'].flat(),
    ...(Array.isArray(values) ? { enum: [...(values as readonly unknown[]), null] } : {}),
  };
}
