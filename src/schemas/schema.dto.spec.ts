import { DtoPipe } from '../common/dto.pipe.js';
import { ApiError } from '../common/errors.js';
import { EventSchemaDto, SchemaPropertiesDto, ValidateDto } from './schema.dto.js';

const pipe = new DtoPipe();

type Dto = typeof EventSchemaDto | typeof SchemaPropertiesDto | typeof ValidateDto;

/** What a handler is given for a body; sent through JSON, as bodies are. */
function receive(dto: Dto, body: unknown): Promise<unknown> {
  return pipe.transform(JSON.parse(JSON.stringify(body)), { type: 'body', metatype: dto }) as Promise<unknown>;
}

async function errorsOf(dto: Dto, body: unknown): Promise<unknown> {
  const refusal: unknown = await receive(dto, body).catch((error: unknown) => error);
  return refusal instanceof ApiError ? refusal.body : `not refused: ${JSON.stringify(refusal)}`;
}

const property = (fields: object = {}) => ({ name: 'price', type: 'number', required: true, ...fields });
const named = (count: number) => Array.from({ length: count }, (_, i) => property({ name: `p${i}` }));

describe('EventSchemaDto', () => {
  const schema = (fields: object) => ({ event_type: 'order_placed', properties: [property()], ...fields });

  it('should take a schema, and leave out what it does not know', async () => {
    const body = schema({ extra: 1, properties: [property({ extra: 1 })] });
    expect(await receive(EventSchemaDto, body)).toEqual({ event_type: 'order_placed', properties: [property()] });
  });

  it.each([
    [undefined, 'is required.'],
    [null, 'is required.'],
    [7, 'must be a string.'],
    ['a'.repeat(101), 'must have at most 100 characters.'],
    [
      'Page Viewed',
      'must be snake_case: lower-case letters, digits and underscores, starting with a letter, such as "page_viewed".',
    ],
  ])('should refuse the event type %j as it is refused of an event', async (event_type, message) => {
    expect(await errorsOf(EventSchemaDto, schema({ event_type }))).toEqual({ event_type: [message] });
  });

  it('should report what is wrong with the type and with the properties at once', async () => {
    expect(await errorsOf(EventSchemaDto, { properties: [property({ type: 'date' })] })).toEqual({
      event_type: ['is required.'],
      'properties.0.type': ['must be one of: string, number, boolean, datetime, array.'],
    });
  });
});

describe('SchemaPropertiesDto', () => {
  it.each(['string', 'number', 'boolean', 'datetime', 'array'])('should take a property of type %s', async (type) => {
    const body = { properties: [property({ type })] };
    expect(await receive(SchemaPropertiesDto, body)).toEqual(body);
  });

  it('should take a property that does not say whether it is required for an optional one', async () => {
    const body = { properties: [{ name: 'price', type: 'number' }] };
    expect(await receive(SchemaPropertiesDto, body)).toEqual({ properties: [property({ required: false })] });
  });

  it('should take 200 properties and keep their order', async () => {
    const body = { properties: named(200) };
    expect(await receive(SchemaPropertiesDto, body)).toEqual(body);
  });

  it.each([undefined, null, 'x', 7, {}, property(), [], named(201), named(20_000)])(
    'should refuse what is not a list of 1 to 200 properties (%#)',
    async (properties) => {
      expect(await errorsOf(SchemaPropertiesDto, { properties })).toEqual({
        properties: ['must be a list of 1 to 200 properties.'],
      });
    },
  );

  it.each([null, 7, 'x', true, [[property()]]])('should refuse %j as a property', async (element) => {
    expect(await errorsOf(SchemaPropertiesDto, { properties: [property(), element] })).toEqual({
      'properties.1': ['must be a JSON object.'],
    });
  });

  it.each([
    'a',
    'Total price',
    ' ',
    '__proto__',
    'constructor',
    '$value',
    'a.b',
    'a\\b',
    'é'.repeat(255),
    '🛒'.repeat(255),
  ])('should take the name %j', async (name) => {
    const body = { properties: [property({ name })] };
    expect(await receive(SchemaPropertiesDto, body)).toEqual(body);
  });

  it.each([
    [undefined, 'is required.'],
    [null, 'is required.'],
    [7, 'must be a string.'],
    [{ length: 3 }, 'must be a string.'],
    ['', 'must not be empty.'],
    ['x'.repeat(256), 'must have at most 255 characters.'],
    ['🛒'.repeat(256), 'must have at most 255 characters.'],
    ['a\u0000b', 'must not contain control characters.'],
    ['a\nb', 'must not contain control characters.'],
    ['a\ud800', 'must not contain unpaired surrogates (\\ud800 to \\udfff).'],
  ])('should refuse the name %j', async (name, message) => {
    expect(await errorsOf(SchemaPropertiesDto, { properties: [property({ name })] })).toEqual({
      'properties.0.name': [message],
    });
  });

  it.each([undefined, null, 'String', 'integer', 'toString', 1, ['string']])(
    'should refuse the type %j',
    async (type) => {
      expect(await errorsOf(SchemaPropertiesDto, { properties: [property({ type })] })).toEqual({
        'properties.0.type': ['must be one of: string, number, boolean, datetime, array.'],
      });
    },
  );

  it.each([null, 'true', 1, {}])('should refuse %j for required', async (required) => {
    expect(await errorsOf(SchemaPropertiesDto, { properties: [property({ required })] })).toEqual({
      'properties.0.required': ['must be true or false.'],
    });
  });

  it('should refuse a name that is there twice, and say where', async () => {
    const properties = [property({ name: 'x' }), property(), property({ name: 'y' }), property({ type: 'string' })];
    expect(await errorsOf(SchemaPropertiesDto, { properties })).toEqual({
      properties: ['must have different names; properties.3 repeats properties.1.'],
    });
  });

  it.each([undefined, null, [], 7, 'x'])('should refuse the body %j', async (body) => {
    const refusal: unknown = await pipe
      .transform(body, { type: 'body', metatype: SchemaPropertiesDto })
      .catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ApiError);
  });
});

describe('ValidateDto', () => {
  it.each<[unknown]>([
    [undefined],
    [null],
    [{}],
    [{ a: 1 }],
    [{ toString: 'x', valueOf: { a: [null, { hasOwnProperty: 1 }] } }],
  ])('should take the payload %j as it is', async (payload) => {
    const received = (await receive(ValidateDto, { event_type: 'order_placed', payload })) as ValidateDto;
    expect(received.payload).toEqual(payload);
  });

  it.each([[[]], [''], [' ']])('should take the payload %j for none, as that of an event', async (payload) => {
    const received = (await receive(ValidateDto, { event_type: 'order_placed', payload })) as ValidateDto;
    expect(received.payload).toBeUndefined();
  });

  it.each(['x', 7, true, [{}]])('should refuse the payload %j', async (payload) => {
    expect(await errorsOf(ValidateDto, { event_type: 'order_placed', payload })).toEqual({
      payload: ['must be a JSON object.'],
    });
  });

  it('should refuse a missing event type', async () => {
    expect(await errorsOf(ValidateDto, { payload: {} })).toEqual({ event_type: ['is required.'] });
  });
});
