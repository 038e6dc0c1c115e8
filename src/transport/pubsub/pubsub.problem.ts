const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;
const PERMISSION_DENIED = 7;
const UNAUTHENTICATED = 16;

/** Whether Pub/Sub says that there is no such topic or subscription. */
export function isNotFound(error: unknown): boolean {
  return grpcCodeOf(error) === NOT_FOUND;
}

/** Whether Pub/Sub says that it will never take what it was given. */
export function isInvalid(error: unknown): boolean {
  return grpcCodeOf(error) === INVALID_ARGUMENT;
}

/** Whether Pub/Sub itself said no, and did nothing. Of what it did not answer, or too late, that is not known. */
export function isRefused(error: unknown): boolean {
  return isInvalid(error) || isNotFound(error) || isForbidden(error);
}

function isForbidden(error: unknown): boolean {
  return [PERMISSION_DENIED, UNAUTHENTICATED].includes(grpcCodeOf(error) ?? -1);
}

/** What Pub/Sub answered, and what to do about it. */
export function remedyFor(error: unknown): string {
  const answer = error instanceof Error ? error.message : String(error);
  if (isNotFound(error)) return `${answer}. Run: segops pubsub create`;
  if (isForbidden(error)) {
    return `${answer}. Give the service's account roles/pubsub.publisher, roles/pubsub.subscriber and roles/pubsub.viewer.`;
  }
  return answer;
}

function grpcCodeOf(error: unknown): number | undefined {
  const code: unknown = (error as { code?: unknown } | null)?.code;
  return typeof code === 'number' ? code : undefined;
}
