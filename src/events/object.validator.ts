import { getMetadataStorage } from 'class-validator';

/** A broken rule: `code` is the rule's name, `message` says what to do. */
export interface FieldError {
  readonly field: string;
  readonly code: string;
  readonly message: string;
}

interface Rule {
  readonly code: string;
  readonly holds: (value: unknown) => boolean;
  readonly message: (value: unknown) => string;
}

interface Field {
  readonly name: string;
  readonly isRequired: boolean;
  readonly rules: readonly Rule[];
}

/**
 * Checks plain objects against the class-validator rules of a DTO, and reports the first broken rule of each field. It uses the
 * decorators' rules, but collects them once: `validateSync` looks them up and builds an instance for every object, which costs
 * more than the rest of a request with 500 events. Fields without the rule `required` may be absent or null, and are then not
 * checked.
 */
export class ObjectValidator {
  private readonly fields: readonly Field[];

  constructor(dto: new () => object, requiredRule: string) {
    this.fields = gatherFields(dto, requiredRule);
  }

  validate(object: Readonly<Record<string, unknown>>): FieldError[] {
    const errors: FieldError[] = [];
    for (const field of this.fields) {
      const value = object[field.name];
      if (!field.isRequired && (value === undefined || value === null)) continue;
      for (const rule of field.rules) {
        if (!rule.holds(value)) {
          errors.push({ field: field.name, code: rule.code, message: rule.message(value) });
          break;
        }
      }
    }
    return errors;
  }
}

function gatherFields(dto: new () => object, requiredRule: string): Field[] {
  const storage = getMetadataStorage();
  const rulesByField = new Map<string, Rule[]>();
  for (const metadata of storage.getTargetValidationMetadatas(dto, '', false, false)) {
    const code = metadata.name ?? metadata.type;
    const constraint = storage.getTargetValidatorConstraints(metadata.constraintCls)[0]?.instance;
    if (constraint?.defaultMessage === undefined) {
      throw new Error(
        `${dto.name}.${metadata.propertyName}: the rule ${code} cannot be checked without class-validator.`,
      );
    }
    // One object for all checks: rules get the value itself, and only messages read it from here.
    const { constraints, propertyName: property } = metadata;
    const context = { constraints, targetName: dto.name, object: {}, property };
    const checkContext = { ...context, value: undefined };
    const rules = rulesByField.get(property) ?? [];
    rulesByField.set(property, rules);
    // Decorators are applied from the bottom up, and checked from the top down.
    rules.unshift({
      code,
      holds: (value) => constraint.validate(value, checkContext) === true,
      message: (value) => constraint.defaultMessage?.({ ...context, value }) ?? code,
    });
  }
  return [...rulesByField].map(([name, rules]) => ({
    name,
    isRequired: rules.some((rule) => rule.code === requiredRule),
    rules,
  }));
}
