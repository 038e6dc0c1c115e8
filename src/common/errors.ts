/** The body of an error answer: one text, or messages by field when one object was invalid. */
export type ApiErrorBody = { detail: string } | Record<string, string[]>;

/**
 * An error answer. Thrown by guards and services, written by `ApiExceptionFilter`; made by the functions below, which alone
 * decide about status and headers.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly status: number,
    readonly body: ApiErrorBody,
    readonly headers: Readonly<Record<string, string>> = {},
    /** For operators: logged with the request, and not shown to the caller. */
    readonly reason?: string,
  ) {
    super(`${status} ${JSON.stringify(body)}`);
  }
}

export const badRequest = (detail: string): ApiError => new ApiError(400, { detail });

/** One object was invalid: messages by field, as `{"user_id": ["…"]}`. */
export const invalidFields = (fields: Record<string, string[]>): ApiError => new ApiError(400, fields);

export const unauthorized = (detail: string): ApiError =>
  new ApiError(401, { detail }, { 'www-authenticate': 'ApiKey, Bearer' });

/** For clients that fetch another token by themselves (RFC 6750, 3.1). */
export const invalidToken = (detail: string): ApiError =>
  new ApiError(401, { detail }, { 'www-authenticate': 'ApiKey, Bearer error="invalid_token"' });

export const forbidden = (detail: string): ApiError => new ApiError(403, { detail });

export const notFound = (): ApiError =>
  new ApiError(404, { detail: 'There is nothing at this address. Check the path.' });

/** What the address names does not exist, or belongs to another tenant. */
export const noSuch = (detail: string): ApiError => new ApiError(404, { detail });

export const methodNotAllowed = (method: string, allowed: readonly string[]): ApiError =>
  new ApiError(
    405,
    { detail: `${method} is not allowed here. Use ${allowed.join(' or ')}.` },
    { allow: allowed.join(', ') },
  );

export const tooLarge = (detail: string): ApiError => new ApiError(413, { detail });

export const unsupportedMediaType = (
  detail = 'Only JSON is accepted. Send it with Content-Type: application/json, and if compressed as gzip, deflate or br.',
): ApiError => new ApiError(415, { detail });

export const expectationFailed = (): ApiError =>
  new ApiError(417, { detail: 'The only expectation that is met is 100-continue. Send the request without Expect.' });

/** The caller is beyond its limit until `retryAfterSeconds`. Never for our own overload. */
export const tooManyRequests = (
  detail: string,
  retryAfterSeconds: number,
  headers: Readonly<Record<string, string>> = {},
): ApiError => new ApiError(429, { detail }, { ...headers, 'retry-after': String(retryAfterSeconds) });

/**
 * Our overload or outage: the caller may repeat the request after `retryAfterSeconds`.
 * @param reason logged with the request, for operators
 */
export const unavailable = (detail: string, retryAfterSeconds: number, reason?: string): ApiError =>
  new ApiError(503, { detail }, { 'retry-after': String(retryAfterSeconds) }, reason);
