import { type ReceivedEvent, readEvents } from '../../src/ingestion/track-body.js';

/** What {@link readEvents} finds in a body, with the events that count in the end. */
export function collectEvents(
  body: Buffer,
  limit = 500,
): { readonly count: number | undefined; readonly events: readonly ReceivedEvent[] } {
  let events: ReceivedEvent[] = [];
  const count = readEvents(body, limit, {
    start: () => (events = []),
    take: (event) => events.push(event),
  });
  return { count, events };
}
