import { badRequest } from '../common/errors.js';

/**
 * The request's `Idempotency-Key`, by which its repetition is recognised; undefined when it carries none.
 * @throws ApiError 400 when it is not 1 to 255 visible ASCII characters
 */
export function parseIdempotencyKey(header: string | undefined): string | undefined {
  if (header !== undefined && !/^[\x21-\x7e]{1,255}$/.test(header)) {
    throw badRequest('The header Idempotency-Key must have 1 to 255 visible ASCII characters and no spaces.');
  }
  return header;
}
