export const REDIS_DURABILITIES = ['required', 'warn'] as const;

/** What to do at start about a Redis that forgets accepted events: refuse to start, or go on and warn. */
export type RedisDurability = (typeof REDIS_DURABILITIES)[number];
