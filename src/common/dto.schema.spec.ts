import 'reflect-metadata';
import Ajv from 'ajv';
import { IsOptional, MinLength, validateSync } from 'class-validator';
import { NewApiKeyDto } from '../auth/keys/api-keys.controller.js';
import { CredentialsDto } from '../auth/login/token.controller.js';
import { SessionDto } from '../auth/session/session.dto.js';
import { ErrorsQueryDto } from '../errors/dto/errors-query.dto.js';
import { REQUIRED } from '../events/event-field.decorators.js';
import { ObjectValidator } from '../events/object.validator.js';
import { isEmptyPayload, TrackEventDto } from '../events/track-event.dto.js';
import { EventSchemaDto, ValidateDto } from '../schemas/schema.dto.js';
import { ShopifySettingsDto } from '../shopify/settings/shopify-settings.controller.js';
import { toDto } from './dto.pipe.js';
import { schemaOf } from './dto.schema.js';

type Dto = new () => object;
type Body = Readonly<Record<string, unknown>>;

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

describe('schemaOf', () => {
  const ajv = new Ajv({ strict: false });

  it.each(BODIES.map(([dto, body]) => ({ name: dto.name, dto, body })))(
    'should refuse nothing that $name takes',
    ({ dto, body }) => {
      const matches = ajv.compile(schemaOf(dto));
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
      const matches = ajv.compile(schemaOf(dto));
      const refused = variations(body).filter((variation) => !takes(dto, variation));
      const overlooked = refused
        .filter((variation) => matches(variation))
        .flatMap((variation) => changedIn(body, variation));
      // That a text names an origin, a domain or a time, is said beside the schema.
      expect(new Set(overlooked)).toEqual(new Set(UNSAID.get(dto) ?? []));
    },
  );

  it('should name initial values, and leave their fields optional', () => {
    expect(schemaOf(ErrorsQueryDto)).toEqual({
      type: 'object',
      properties: { limit: { type: 'integer', minimum: 1, default: 50 } },
    });
  });

  it('should take null for what may be left out', () => {
    expect(schemaOf(NewApiKeyDto)).toMatchObject({
      properties: { type: { type: ['string', 'null'], enum: ['secret', 'public', null] } },
      required: ['name'],
    });
  });

  it('should say so when it does not know a rule', () => {
    class Unknown {
      @IsOptional()
      @MinLength(1)
      readonly text?: string;
    }
    expect(() => schemaOf(Unknown)).toThrow('Unknown.text: say in dto.schema.ts what the rule minLength means');
  });
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
