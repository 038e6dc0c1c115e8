import { ApiError } from './api-error.js';

/** The catalogue of error answers: which status and headers belong to which failure is decided here and nowhere else. */

export const badRequest = (detail: string): ApiError => new ApiError(400, { detail });

/** One object was invalid: messages by field, as `{"user_id": ["…"]}`. */
export const invalidFields = (fields: Record<string, string[]>): ApiError => new ApiError(400, fields);

export const unauthorized = (detail: string): ApiError =>
  new ApiError(401, { detail }, { 'www-authenticate': 'ApiKey' });

export const forbidden = (detail: string): ApiError => new ApiError(403, { detail });

export const notFound = (): ApiError =>
  new ApiError(404, { detail: 'There is nothing at this address. Check the path.' });

export const methodNotAllowed = (method: string, allowed: readonly string[]): ApiError =>
  new ApiError(
    405,
    { detail: `${method} is not allowed here. Use ${allowed.join(' or ')}.` },
    { allow: allowed.join(', ') },
  );

export const tooLarge = (detail: string): ApiError => new ApiError(413, { detail });

export const unsupportedMediaType = (detail: string): ApiError => new ApiError(415, { detail });

/** We cannot take it now; the caller may send the same request again after `retryAfterSeconds`. */
export const unavailable = (detail: string, retryAfterSeconds: number): ApiError =>
  new ApiError(503, { detail }, { 'retry-after': String(retryAfterSeconds) });
