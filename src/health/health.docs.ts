import { Documented } from '../docs/documented.decorator.js';
import { closed, oneOf, TEXT } from '../docs/shapes.js';

const OK = closed({ status: oneOf(['ok']) });
/** `spool` is there only while it has no room. */
const PARTS = closed({ pubsub_topic: TEXT, worker: TEXT, clickhouse: TEXT }, { spool: TEXT });

/** The documentation of HealthController. */
export const healthDocs = {
  report: Documented({
    summary: 'Ask about the whole way of an event',
    answers: {
      200: { description: 'All parts are `ok`.', schema: PARTS },
      503: { description: 'A part is not; a short word in place of `ok` says what it is.', schema: PARTS },
    },
  }),

  live: Documented({
    summary: 'Ask whether this process lives',
    answers: { 200: { description: 'It does.', schema: OK } },
  }),

  ready: Documented({
    summary: 'Ask whether this process takes requests',
    answers: { 200: { description: 'It does.', schema: OK } },
    errors: { 503: 'It is shutting down.' },
  }),
};
