import { Documented } from '../docs/documented.decorator.js';
import { closed, INSTANT, listOf, oneOf, orNull, TEXT, UUID } from '../docs/shapes.js';
import { ERROR_TYPES } from './error-type.js';

const ERROR = closed({
  id: UUID,
  ts: INSTANT,
  error_type: oneOf(ERROR_TYPES),
  detail: TEXT,
  event_type: orNull(TEXT),
  user_id: orNull(TEXT),
  request_id: orNull(TEXT),
  source: oneOf(['track', 'batch', 'shopify', 'worker']),
});

/** The documentation of ErrorsController. */
export const errorsDocs = {
  list: Documented({
    summary: 'Read what was not stored, and why',
    examples: {
      'the last ten': { query: { limit: 10 } },
      'more than 100, which is 100': { query: { limit: 1000 } },
    },
    answers: { 200: { description: 'The latest errors, newest first.', schema: closed({ errors: listOf(ERROR) }) } },
  }),

  replay: Documented({
    summary: 'Try again to store the events of a dead letter',
    description: 'Each event is stored once, however often this is asked.',
    parameters: {
      id: {
        description: 'The id of an error of the type `dead_letter`.',
        example: '019aa1f0-7c2e-7b3a-9d55-0c6a3f1f4b11',
      },
    },
    answers: { 202: { description: 'The events are in the queue again.', schema: closed({ queued: oneOf([true]) }) } },
    errors: { 404: 'The tenant has no such dead letter, or it has been stored.' },
  }),
};
