import { ValidateBy } from 'class-validator';

/** A URL of one of `protocols` (given without the colon) in the form `shape`, which is shown when it is not one. */
export function UrlOf(protocols: readonly string[], shape: string): PropertyDecorator {
  return ValidateBy(
    {
      name: 'urlOf',
      validator: {
        validate: (value) =>
          typeof value === 'string' &&
          protocols.some((protocol) => value.startsWith(`${protocol}://`)) &&
          URL.canParse(value),
      },
    },
    { message: `must be a URL of the form ${shape}, with reserved characters percent-encoded` },
  );
}
