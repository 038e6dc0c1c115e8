import { Injectable, type Type, ValidationPipe } from '@nestjs/common';
import { getMetadataStorage, ValidateBy, type ValidationError } from 'class-validator';
import { invalidFields } from './errors.js';

/**
 * Refuses a value that `problemOf` has something to say about. class-validator runs all rules of a field, also those that
 * make no sense for what another one has refused; one function that stops at the first problem reports one message.
 * @param schema what JSON Schema can say of the values that are left, for the API's documentation
 */
export function RefusedIf(
  name: string,
  problemOf: (value: unknown) => string | undefined,
  schema: Readonly<Record<string, unknown>> = {},
): PropertyDecorator {
  return ValidateBy(
    {
      name,
      validator: {
        validate: (value: unknown) => problemOf(value) === undefined,
        defaultMessage: (args) => problemOf(args?.value) ?? '',
      },
    },
    { context: { schema } },
  );
}

const READ = Symbol('how a property is read');

/** Makes of a property that was sent what its rules are to see. */
export const ReadAs =
  (read: (sent: unknown) => unknown): PropertyDecorator =>
  (target, name) => {
    Reflect.defineMetadata(READ, read, target, name);
  };

/**
 * An instance of the DTO with those of its properties that were sent; what has no rule is left out. What is no object stays as it
 * is. The work depends on the DTO alone: class-transformer copies everything that was sent, and looks up each key of an object in
 * a list of all, which for 300,000 of them takes a minute.
 */
export function toDto<T>(dto: Type<T>, sent: unknown): T {
  if (typeof sent !== 'object' || sent === null || Array.isArray(sent)) return sent as T;
  const made = new dto() as Record<string, unknown>;
  const rules = getMetadataStorage().getTargetValidationMetadatas(dto, '', false, false);
  for (const name of new Set(rules.map(({ propertyName }) => propertyName))) {
    if (!Object.hasOwn(sent, name)) continue;
    const value = (sent as Readonly<Record<string, unknown>>)[name];
    const read = Reflect.getMetadata(READ, dto.prototype as object, name) as ((sent: unknown) => unknown) | undefined;
    made[name] = read === undefined ? value : read(value);
  }
  return made as T;
}

/** Turns bodies and queries into DTOs and holds them to their rules. What breaks one is a 400 with messages by field. */
@Injectable()
export class DtoPipe extends ValidationPipe {
  constructor() {
    super({
      transform: true,
      transformerPackage: { plainToInstance: toDto, classToPlain: (dto: object) => dto },
      exceptionFactory: (errors) => invalidFields(messagesByField(errors)),
    });
  }
}

/**
 * Every message of class-validator by the path of its field, such as `properties.0.type`: the body of the API's 400 for one
 * object. Values and targets stay out of it.
 */
export function messagesByField(errors: readonly ValidationError[]): Record<string, string[]> {
  return Object.fromEntries(errors.flatMap((error) => messagesOf(error, '')));
}

function messagesOf({ property, constraints, children }: ValidationError, parent: string): [string, string[]][] {
  const field = `${parent}${property}`;
  const messages = Object.values(constraints ?? {});
  const nested = (children ?? []).flatMap((child) => messagesOf(child, `${field}.`));
  return messages.length === 0 ? nested : [[field, messages], ...nested];
}
