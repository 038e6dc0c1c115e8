export const ROLES = ['all', 'api', 'worker'] as const;

/** What a process does: answer requests, store events, or both. */
export type Role = (typeof ROLES)[number];
