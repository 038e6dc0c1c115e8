/** The windows that stats can be asked for. */
export const STATS_WINDOWS = ['24h', '7d'] as const;

export type StatsWindow = (typeof STATS_WINDOWS)[number];
