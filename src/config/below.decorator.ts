import { ValidateBy } from 'class-validator';

/** A number below that of another setting: `name` is its name as operators write it. */
export function Below(name: string, property: string): PropertyDecorator {
  return ValidateBy(
    {
      name: 'below',
      validator: {
        validate: (value, args) =>
          Number(value) < Number((args?.object as Record<string, unknown> | undefined)?.[property]),
      },
    },
    { message: `must be less than ${name}` },
  );
}
