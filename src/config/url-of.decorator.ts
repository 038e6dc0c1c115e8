import { ValidateBy } from 'class-validator';

/** Whether it is a URL, and what is percent-encoded in its user, password and path can be read. */
export function isDecodable(url: string): boolean {
  try {
    const { username, password, pathname } = new URL(url);
    [username, password, pathname].forEach(decodeURIComponent);
    return true;
  } catch {
    return false;
  }
}

/** A URL of one of `protocols` (given without the colon) in the form `shape`, which is shown when it is not one. */
export function UrlOf(protocols: readonly string[], shape: string): PropertyDecorator {
  return ValidateBy(
    {
      name: 'urlOf',
      validator: {
        validate: (value) =>
          typeof value === 'string' &&
          protocols.some((protocol) => value.startsWith(`${protocol}://`)) &&
          isDecodable(value),
      },
    },
    { message: `must be a URL of the form ${shape}, with reserved characters percent-encoded` },
  );
}
