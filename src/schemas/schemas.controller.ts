import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import {
  ApiBody,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  getSchemaPath,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Accepts, CurrentPrincipal, type Principal } from '../auth/principal.js';
import { PAGE_HEADERS, PAGES } from '../common/api.properties.js';
import { BodyLimit } from '../common/body.parser.js';
import { invalidFields, notFound } from '../common/errors.js';
import { PageQueryDto, pageOf } from '../common/page.js';
import { EventSchemas } from './event-schemas.service.js';
import { eventTypeOf, proposeSchema } from './schema-inference.js';
import {
  EventSchemaDto,
  problemOfEventType,
  ProposalBody,
  SchemaBody,
  SchemaPropertiesDto,
  ValidateDto,
  ValidationBody,
} from './schema.dto.js';

/** For bodies with sample events. */
const MAX_SAMPLE_BYTES = 1024 * 1024;
const EMPTY_PAYLOAD = Buffer.from('{}');

/** For the API's documentation. */
const EVENT_TYPE_PARAM = { name: 'eventType', description: 'The type of the events.', example: 'order_placed' };
const NO_SCHEMA = { description: 'The tenant has no schema for this event type.' };
const IN_FORCE = { description: 'The schema, in force with the next event.', type: SchemaBody };
const TOTAL = { name: 'total', type: 'number', required: true };
const SAMPLES = [
  { event_type: 'order_placed', payload: { total: 59.9, placed_at: '2026-04-25T11:00:00Z' } },
  { event_type: 'order_placed', payload: { total: '12.50' } },
];
const SAMPLE_LIST = { type: 'array', items: { $ref: getSchemaPath(ValidateDto) } };

/** Users and servers manage schemas: an application can deploy the schemas of its events. */
@Controller('api/schemas')
@Accepts(['user', 'secret-key'])
export class SchemasController {
  constructor(private readonly schemas: EventSchemas) {}

  @Get()
  @ApiOperation({ summary: 'List event schemas', description: PAGES })
  @ApiOkResponse({
    description: 'Schemas of the tenant, by event type.',
    type: [SchemaBody],
    headers: PAGE_HEADERS,
  })
  async list(
    @CurrentPrincipal() { tenantId }: Principal,
    @Query() query: PageQueryDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SchemaBody[]> {
    const { cursor, limit } = query;
    if (cursor !== '' && !isEventType(cursor)) throw invalidFields({ cursor: ['must be an event type.'] });
    const schemas = await this.schemas.list(tenantId, cursor, limit + 1);
    return pageOf(
      schemas.map((schema) => SchemaBody.of(schema)),
      query,
      ({ event_type }) => event_type,
      reply,
    );
  }

  @Post()
  @ApiOperation({ summary: 'Make an event schema' })
  @ApiBody({
    type: EventSchemaDto,
    examples: {
      'an order': {
        value: { event_type: 'cart_created', properties: [TOTAL, { name: 'items', type: 'array' }] },
      },
    },
  })
  @ApiCreatedResponse(IN_FORCE)
  async create(
    @CurrentPrincipal() { tenantId }: Principal,
    @Body() { event_type, properties }: EventSchemaDto,
  ): Promise<SchemaBody> {
    const created = await this.schemas.create(tenantId, event_type, properties);
    if (created === undefined) {
      throw invalidFields({ event_type: [`has a schema already. Replace it with PUT /api/schemas/${event_type}/.`] });
    }
    return SchemaBody.of(created);
  }

  /** Checks an event without sending it. */
  @Post('validate')
  @HttpCode(200)
  @BodyLimit(MAX_SAMPLE_BYTES)
  @ApiOperation({ summary: 'Ask what would become of an event', description: 'Nothing is sent or stored.' })
  @ApiBody({
    type: ValidateDto,
    examples: {
      'an order': { value: { event_type: 'order_placed', payload: { total: '59.90' } } },
      'an order without its total': { value: { event_type: 'order_placed', payload: {} } },
    },
  })
  @ApiOkResponse({
    description: 'Whether the payload keeps to the schema of its event type, if there is one.',
    type: ValidationBody,
  })
  async validate(
    @CurrentPrincipal() { tenantId }: Principal,
    @Body() { event_type, payload }: ValidateDto,
  ): Promise<ValidationBody> {
    const schema = (await this.schemas.of(tenantId)).get(event_type);
    const result = schema?.apply(payload, EMPTY_PAYLOAD);
    return result === undefined || result.valid
      ? { valid: true, has_schema: schema !== undefined, errors: [] }
      : { valid: false, has_schema: true, errors: result.errors };
  }

  /** Proposes a schema that accepts all of these events, and does not store it. */
  @Post('infer')
  @HttpCode(200)
  @BodyLimit(MAX_SAMPLE_BYTES)
  @ApiOperation({ summary: 'Propose a schema that events keep to', description: 'It is not stored.' })
  @ApiBody({
    schema: {
      anyOf: [
        { ...SAMPLE_LIST, minItems: 1, maxItems: 500 },
        { type: 'object', properties: { events: SAMPLE_LIST }, required: ['events'] },
      ],
    },
    examples: { 'a list of events': { value: SAMPLES }, 'the body of a batch': { value: { events: SAMPLES } } },
  })
  @ApiOkResponse({ description: 'The proposal.', type: ProposalBody })
  infer(@Body() body: unknown): ProposalBody {
    return proposeSchema(body);
  }

  @Get(':eventType')
  @ApiOperation({ summary: 'Read an event schema' })
  @ApiParam(EVENT_TYPE_PARAM)
  @ApiOkResponse({ description: 'The schema.', type: SchemaBody })
  @ApiNotFoundResponse(NO_SCHEMA)
  async find(@CurrentPrincipal() { tenantId }: Principal, @Param('eventType') eventType: string): Promise<SchemaBody> {
    const schema = isEventType(eventType) ? await this.schemas.find(tenantId, eventType) : undefined;
    if (schema === undefined) throw notFound();
    return SchemaBody.of(schema);
  }

  @Put(':eventType')
  @ApiOperation({ summary: 'Make or replace an event schema' })
  @ApiParam(EVENT_TYPE_PARAM)
  @ApiBody({ type: SchemaPropertiesDto, examples: { 'an order': { value: { properties: [TOTAL] } } } })
  @ApiOkResponse(IN_FORCE)
  async put(
    @CurrentPrincipal() { tenantId }: Principal,
    @Param('eventType') eventType: string,
    @Body() { properties }: SchemaPropertiesDto,
  ): Promise<SchemaBody> {
    return SchemaBody.of(await this.schemas.put(tenantId, eventTypeOf(eventType), properties));
  }

  @Delete(':eventType')
  @HttpCode(204)
  @ApiOperation({ summary: 'Remove an event schema' })
  @ApiParam(EVENT_TYPE_PARAM)
  @ApiNoContentResponse({ description: 'Events of this type are not held to a schema any more.' })
  @ApiNotFoundResponse(NO_SCHEMA)
  async remove(@CurrentPrincipal() { tenantId }: Principal, @Param('eventType') eventType: string): Promise<void> {
    if (!isEventType(eventType) || !(await this.schemas.remove(tenantId, eventType))) throw notFound();
  }
}

/** Checked before a query, since PostgreSQL fails at some texts. */
function isEventType(text: string): boolean {
  return problemOfEventType(text) === undefined;
}
