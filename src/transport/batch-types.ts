/** Rows of the `events` table, as `EventRowEncoder` writes them. Other columns or another order: a new version. */
export const EVENTS_V1 = 'events.v1';
