/** What may be recorded. Clients see these words. */
export const ERROR_TYPES = [
  'validation_failed',
  'schema_violation',
  'request_refused',
  'webhook_refused',
  'webhook_unmapped',
  'dead_letter',
] as const;

export type ErrorType = (typeof ERROR_TYPES)[number];
