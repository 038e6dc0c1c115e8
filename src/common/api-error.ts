/** The body of an error answer: one text, or messages by field when one object was invalid. */
export type ApiErrorBody = { detail: string } | Record<string, string[]>;

/**
 * An answer other than success, as the caller will see it. Thrown by guards and services, written by {@link ApiExceptionFilter}.
 * The usual ones are made by the functions in `errors.ts`.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly status: number,
    readonly body: ApiErrorBody,
    readonly headers: Readonly<Record<string, string>> = {},
    /** What operators should know of it: logged with the request, and not shown to the caller. */
    readonly reason?: string,
  ) {
    super(`${status} ${JSON.stringify(body)}`);
  }
}
