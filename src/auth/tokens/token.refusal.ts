import { errors } from 'jose';
import { invalidToken } from '../../common/errors.js';

/**
 * What to throw instead of a failure of jose: a 401 with one of the texts, or the failure itself when the token is not
 * what caused it. jose says that a token has expired only after it has found its signature right.
 */
export function refusalOf(failure: unknown, texts: { readonly expired: string; readonly invalid: string }): unknown {
  if (failure instanceof errors.JWTExpired) {
    return invalidToken(texts.expired);
  }
  return failure instanceof errors.JOSEError ? invalidToken(texts.invalid) : failure;
}
