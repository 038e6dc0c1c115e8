import { ValidateBy } from 'class-validator';

/** A setting that has no meaning without others: `names` are theirs as operators write them. */
export function TogetherWith(names: string, properties: readonly string[]): PropertyDecorator {
  return ValidateBy(
    {
      name: 'togetherWith',
      validator: {
        validate: (_value, args) =>
          properties.every(
            (property) => (args?.object as Record<string, unknown> | undefined)?.[property] !== undefined,
          ),
      },
    },
    { message: `must be set together with ${names}` },
  );
}
