/** What may be recorded. Clients see these words. */
export const ERROR_TYPES = ['validation_failed', 'schema_violation', 'webhook_refused', 'dead_letter'] as const;

export type ErrorType = (typeof ERROR_TYPES)[number];
