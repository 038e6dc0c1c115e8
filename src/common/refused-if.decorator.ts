import { ValidateBy } from 'class-validator';

/**
 * Refuses a value that `problemOf` has something to say about. class-validator runs all rules of a field, also those that
 * make no sense for what another one has refused; one function that stops at the first problem reports one message.
 */
export function RefusedIf(name: string, problemOf: (value: unknown) => string | undefined): PropertyDecorator {
  return ValidateBy({
    name,
    validator: {
      validate: (value: unknown) => problemOf(value) === undefined,
      defaultMessage: (args) => problemOf(args?.value) ?? '',
    },
  });
}
