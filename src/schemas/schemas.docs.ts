import { schemaOf } from '../common/dto.schema.js';
import { Documented, type Parameter } from '../docs/documented.decorator.js';
import { closed, FLAG, listOf, oneOf, PAGES, TEXT } from '../docs/shapes.js';
import { PROPERTY_TYPES } from './event-schema.js';
import { ValidateDto } from './schema.dto.js';

const PROPERTIES = listOf(closed({ name: TEXT, type: oneOf(PROPERTY_TYPES), required: FLAG }));
const SCHEMA = closed({ event_type: TEXT, version: { type: 'integer', minimum: 1 }, properties: PROPERTIES });
const TOTAL = { name: 'total', type: 'number', required: true };
const PAYLOADS = [
  { event_type: 'order_placed', payload: { total: 59.9, placed_at: '2026-04-25T11:00:00Z' } },
  { event_type: 'order_placed', payload: { total: '12.50' } },
];
const EVENT_TYPE: Readonly<Record<string, Parameter>> = {
  eventType: { description: 'The type of the events.', example: 'order_placed' },
};
const NO_SCHEMA = { 404: 'The tenant has no schema for this event type.' };

/** The documentation of SchemasController. */
export const schemasDocs = {
  list: Documented({
    summary: 'List event schemas',
    description: PAGES,
    answers: { 200: { description: 'Schemas of the tenant, by event type.', schema: listOf(SCHEMA) } },
  }),

  create: Documented({
    summary: 'Make an event schema',
    examples: {
      'an order': { body: { event_type: 'cart_created', properties: [TOTAL, { name: 'items', type: 'array' }] } },
    },
    answers: { 201: { description: 'The schema, in force with the next event.', schema: SCHEMA } },
  }),

  validate: Documented({
    summary: 'Ask what would become of an event',
    description: 'Nothing is sent or stored.',
    examples: {
      'an order': { body: { event_type: 'order_placed', payload: { total: '59.90' } } },
      'an order without its total': { body: { event_type: 'order_placed', payload: {} } },
    },
    answers: {
      200: {
        description: 'Whether the payload keeps to the schema of its event type, if there is one.',
        schema: closed({
          valid: FLAG,
          has_schema: FLAG,
          errors: listOf(closed({ field: TEXT, code: TEXT, message: TEXT })),
        }),
      },
    },
  }),

  infer: Documented({
    summary: 'Propose a schema that events keep to',
    description: 'It is not stored.',
    body: {
      anyOf: [
        { ...listOf(schemaOf(ValidateDto)), minItems: 1, maxItems: 500 },
        { type: 'object', properties: { events: listOf(schemaOf(ValidateDto)) }, required: ['events'] },
      ],
    },
    examples: {
      'a list of events': { body: PAYLOADS },
      'the body of a batch': { body: { events: PAYLOADS } },
    },
    answers: { 200: { description: 'The proposal.', schema: closed({ event_type: TEXT, properties: PROPERTIES }) } },
  }),

  find: Documented({
    summary: 'Read an event schema',
    parameters: EVENT_TYPE,
    answers: { 200: { description: 'The schema.', schema: SCHEMA } },
    errors: NO_SCHEMA,
  }),

  put: Documented({
    summary: 'Make or replace an event schema',
    parameters: EVENT_TYPE,
    examples: {
      'an order': { body: { properties: [TOTAL] } },
    },
    answers: { 200: { description: 'The schema, in force with the next event.', schema: SCHEMA } },
  }),

  remove: Documented({
    summary: 'Remove an event schema',
    parameters: EVENT_TYPE,
    answers: { 204: { description: 'Events of this type are not held to a schema any more.' } },
    errors: NO_SCHEMA,
  }),
};
