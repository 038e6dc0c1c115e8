import { Injectable, type Type, ValidationPipe } from '@nestjs/common';
import { getMetadataStorage, ValidateBy, type ValidationError } from 'class-validator';
import { invalidFields } from './errors.js';

/**
 * Rejects a value that `problemOf` finds fault with. class-validator runs all rules of a field, even those that make no sense
 * once another rule has rejected it; one function that stops at the first problem reports one message.
 */
export function RejectedIf(name: string, problemOf: (value: unknown) => string | undefined): PropertyDecorator {
  return ValidateBy({
    name,
    validator: {
      validate: (value: unknown) => problemOf(value) === undefined,
      defaultMessage: (args) => problemOf(args?.value) ?? '',
    },
  });
}

const READ = Symbol('how a property is read');

/** Converts a property before its rules check it. */
export const ReadAs =
  (read: (sent: unknown) => unknown): PropertyDecorator =>
  (target, name) =>
    Reflect.defineMetadata(READ, read, target, name);

/**
 * An instance of the DTO with those of its properties that were sent; anything without a rule is left out, and what is not an
 * object is returned as it is. class-transformer copies everything and looks up each key in a list of all, which takes a minute
 * for 300,000 keys.
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

/** Turns bodies and queries into DTOs and checks their rules; answers 400 with messages by field. */
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

/** Every message of class-validator by the path of its field, such as `properties.0.type`, without values. */
export function messagesByField(errors: readonly ValidationError[]): Record<string, string[]> {
  return Object.fromEntries(errors.flatMap((error) => messagesOf(error, '')));
}

function messagesOf({ property, constraints, children }: ValidationError, parent: string): [string, string[]][] {
  const field = `${parent}${property}`;
  const messages = Object.values(constraints ?? {});
  const nested = (children ?? []).flatMap((child) => messagesOf(child, `${field}.`));
  return messages.length === 0 ? nested : [[field, messages], ...nested];
}
