/** How rate-limiter-flexible is to count calls: it only counts, since what is allowed differs between tenants and changes. */
export const MINUTE = { points: Number.MAX_SAFE_INTEGER, duration: 60 } as const;
