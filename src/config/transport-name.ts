export const TRANSPORT_NAMES = ['bullmq', 'pubsub', 'spool'] as const;

/** The queue that events are published to. */
export type TransportName = (typeof TRANSPORT_NAMES)[number];
