import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Accepts, CurrentPrincipal, type Principal } from '../auth/principal.js';
import { BodyLimit } from '../common/body.parser.js';
import { invalidFields, notFound } from '../common/errors.js';
import { PageQueryDto, pageOf } from '../common/page.js';
import { EventSchemaDto, problemOfEventType, SchemaPropertiesDto, ValidateDto } from './schema.dto.js';
import type { EventSchema } from './event-schema.js';
import { EventSchemas } from './event-schemas.service.js';
import { eventTypeOf, proposeSchema } from './schema-inference.js';
import { schemasDocs } from './schemas.docs.js';

/** For bodies with sample events. */
const MAX_SAMPLE_BYTES = 1024 * 1024;
const EMPTY_PAYLOAD = Buffer.from('{}');

/** Users and servers manage schemas: an application can deploy the schemas of its events. */
@Controller('api/schemas')
@Accepts(['user', 'secret-key'])
export class SchemasController {
  constructor(private readonly schemas: EventSchemas) {}

  @Get()
  @schemasDocs.list
  async list(
    @CurrentPrincipal() { tenantId }: Principal,
    @Query() query: PageQueryDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { cursor, limit } = query;
    if (cursor !== '' && !isEventType(cursor)) throw invalidFields({ cursor: ['must be an event type.'] });
    const schemas = await this.schemas.list(tenantId, cursor, limit + 1);
    return pageOf(schemas.map(toBody), query, ({ event_type }) => event_type, reply);
  }

  @Post()
  @schemasDocs.create
  async create(@CurrentPrincipal() { tenantId }: Principal, @Body() { event_type, properties }: EventSchemaDto) {
    const created = await this.schemas.create(tenantId, event_type, properties);
    if (created === undefined) {
      throw invalidFields({ event_type: [`has a schema already. Replace it with PUT /api/schemas/${event_type}/.`] });
    }
    return toBody(created);
  }

  /** Checks an event without sending it. */
  @Post('validate')
  @HttpCode(200)
  @BodyLimit(MAX_SAMPLE_BYTES)
  @schemasDocs.validate
  async validate(@CurrentPrincipal() { tenantId }: Principal, @Body() { event_type, payload }: ValidateDto) {
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
  @schemasDocs.infer
  infer(@Body() body: unknown) {
    return proposeSchema(body);
  }

  @Get(':eventType')
  @schemasDocs.find
  async find(@CurrentPrincipal() { tenantId }: Principal, @Param('eventType') eventType: string) {
    const schema = isEventType(eventType) ? await this.schemas.find(tenantId, eventType) : undefined;
    if (schema === undefined) throw notFound();
    return toBody(schema);
  }

  @Put(':eventType')
  @schemasDocs.put
  async put(
    @CurrentPrincipal() { tenantId }: Principal,
    @Param('eventType') eventType: string,
    @Body() { properties }: SchemaPropertiesDto,
  ) {
    return toBody(await this.schemas.put(tenantId, eventTypeOf(eventType), properties));
  }

  @Delete(':eventType')
  @HttpCode(204)
  @schemasDocs.remove
  async remove(@CurrentPrincipal() { tenantId }: Principal, @Param('eventType') eventType: string): Promise<void> {
    if (!isEventType(eventType) || !(await this.schemas.remove(tenantId, eventType))) throw notFound();
  }
}

/** Checked before a query, since PostgreSQL fails at some texts. */
function isEventType(text: string): boolean {
  return problemOfEventType(text) === undefined;
}

function toBody({ eventType, version, properties }: EventSchema) {
  return { event_type: eventType, version, properties };
}
