import { Ajv2020 as Ajv } from 'ajv/dist/2020.js';
import { getSchemaPath } from '@nestjs/swagger';
import { validateSync } from 'class-validator';
import request from 'supertest';
import { NewApiKeyDto } from '../../src/auth/keys/api-keys.dto.js';
import { CredentialsDto } from '../../src/auth/login/token.controller.js';
import { SessionDto } from '../../src/auth/session/session.dto.js';
import { PageQueryDto } from '../../src/common/page.js';
import { ErrorsQueryDto } from '../../src/errors/errors.dto.js';
import { REQUIRED } from '../../src/events/event-field.decorators.js';
import { ObjectValidator } from '../../src/events/object.validator.js';
import { isEmptyPayload, TrackEventDto } from '../../src/events/track-event.dto.js';
import { EventSchemaDto, ValidateDto } from '../../src/schemas/schema.dto.js';
import { StatsQueryDto } from '../../src/stats/dto/stats-query.dto.js';
import { ShopifySettingsDto } from '../../src/shopify/settings/shopify-settings.controller.js';
import { toDto } from '../../src/common/dto.pipe.js';
import { sharedService } from '../support/service.js';

type Dto = new () => object;
type Body = Readonly<Record<string, unknown>>;

interface Document {
  readonly paths: Record<string, Record<string, { readonly parameters: readonly Parameter[] }>>;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly schema: { readonly default?: unknown };
}

/** Of each DTO one that it takes, with every field. */
const BODIES: readonly [Dto, Body][] = [
  [
    TrackEventDto,
    { user_id: 'u', event_type: 'a', occurred_at: '2026-04-25', payload: {}, anonymous_id: 'a', event_id: 'e' },
  ],
  [
    NewApiKeyDto,
    {
      name: 'n',
      tenant_slug: 'acme',
      type: 'public',
      mode: 'test',
      allowed_origins: ['https://a.example'],
      require_signed_user_id: true,
    },
  ],
  [CredentialsDto, { email: 'e', password: 'p' }],
  [SessionDto, { user_id: 'u', anonymous_id: 'a', user_id_sig: 's', user_id_ts: 1 }],
  [EventSchemaDto, { event_type: 'a', properties: [{ name: 'n', type: 'array', required: true }] }],
  [ValidateDto, { event_type: 'a', payload: {} }],
  [ShopifySettingsDto, { shop_domain: 'acme.myshopify.com', secrets: ['s'] }],
];

/** Values at the edges of what rules allow, and beyond. */
const VALUES: readonly unknown[] = [
  ...[0, 1, 2, 255, 256].map((length) => 'a'.repeat(length)),
  ...[100, 101, 128, 129, 250, 251, 1024, 1025].map((length) => 'b'.repeat(length)),
  '😀'.repeat(100),
  ...['Page Viewed', '9', '-1', 'secret', 'live', 'true', 'a\u0000', 'acme.myshopify.com', '2026-04-25T13:00:00Z'],
  ...[0, 1, -1, 1.5, true, false, null, undefined],
  ...[{}, [], [null], ['a'], [''], [1], ['https://a.example'], Array<string>(200).fill('s')],
  ...[
    [{ name: 'n', type: 'number' }],
    [{ name: '', type: 'number' }],
    [{ name: 'n', type: 'money' }],
    [{ type: 'number' }],
  ],
];

describe('What the documentation says of the bodies of requests', () => {
  const ajv = new Ajv({ strict: false });

  beforeAll(async () => {
    const { body } = await request((await sharedService()).url)
      .get('/api/openapi.json')
      .expect(200);
    ajv.addSchema(body as object, 'openapi');
  });

  it.each(BODIES.map(([dto, body]) => ({ name: dto.name, dto, body })))(
    'should refuse nothing that $name takes',
    ({ dto, body }) => {
      const matches = schemaOf(dto);
      const taken = variations(body).filter((variation) => takes(dto, variation));
      expect(taken.length).toBeGreaterThan(1);
      // What clients write by mistake for no payload is taken, and nobody is told to write it.
      const isMistake = (variation: Body) => isEmptyPayload(variation['payload']);
      expect(taken.filter((variation) => !matches(variation) && !isMistake(variation))).toEqual([]);
    },
  );

  it.each(BODIES.map(([dto, body]) => ({ name: dto.name, dto, body })))(
    'should take nothing that $name refuses, but for what only words can say',
    ({ dto, body }) => {
      const matches = schemaOf(dto);
      const refused = variations(body).filter((variation) => !takes(dto, variation));
      const overlooked = refused
        .filter((variation) => matches(variation))
        .flatMap((variation) => changedIn(body, variation));
      // That a text names an origin, a domain or a time, is said beside the schema.
      expect(new Set(overlooked)).toEqual(new Set(UNSAID.get(dto) ?? []));
    },
  );

  it.each([
    ['get', '/api/ingestion/errors/', new ErrorsQueryDto()],
    ['get', '/api/ingestion/stats/', new StatsQueryDto()],
    ['get', '/api/schemas/', new PageQueryDto()],
  ])('should name what is taken where %s %s has no parameters', (verb, path, defaults) => {
    const { schema } = ajv.getSchema('openapi') as unknown as { schema: Document };
    const parameters = schema.paths[path]?.[verb]?.parameters.filter((parameter) => parameter.in === 'query') ?? [];
    expect(Object.fromEntries(parameters.map((parameter) => [parameter.name, parameter.schema.default]))).toEqual(
      Object.fromEntries(Object.entries(defaults)),
    );
  });

  function schemaOf(dto: Dto): (body: Body) => boolean {
    const pointer = `openapi${getSchemaPath(dto)}`;
    const validate = ajv.getSchema(pointer) ?? ajv.compile({ $ref: pointer });
    return (body) => validate(body) === true;
  }
});

const UNSAID = new Map<Dto, readonly string[]>([
  [TrackEventDto, ['occurred_at']],
  [NewApiKeyDto, ['allowed_origins']],
  [ShopifySettingsDto, ['shop_domain']],
]);

/** The body with each of its fields replaced by each of the values, or left out. */
function variations(body: Body): Body[] {
  const replaced = Object.keys(body).flatMap((field) => VALUES.map((value) => ({ ...body, [field]: value })));
  return [body, ...replaced].map((variation) => JSON.parse(JSON.stringify(variation)) as Body);
}

function takes(dto: Dto, body: Body): boolean {
  return dto === TrackEventDto
    ? new ObjectValidator(dto, REQUIRED).validate(body).length === 0
    : validateSync(toDto(dto, body)).length === 0;
}

function changedIn(body: Body, variation: Body): string[] {
  return Object.keys(body).filter((field) => JSON.stringify(body[field]) !== JSON.stringify(variation[field]));
}
