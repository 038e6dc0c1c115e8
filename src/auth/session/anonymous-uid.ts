/** What the uid of a visitor begins with who is known by an `anonymous_id` only. */
export const ANONYMOUS_PREFIX = 'anon_';
