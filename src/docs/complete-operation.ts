import type { OpenAPIObject } from '@nestjs/swagger';

type Components = NonNullable<OpenAPIObject['components']>;
type PathItem = OpenAPIObject['paths'][string];
/** What a path says of one method. */
export type Operation = NonNullable<PathItem['get']>;
type Parameter = Exclude<NonNullable<Operation['parameters']>[number], { $ref: string }>;
type Answer = Exclude<NonNullable<Operation['responses'][string]>, { $ref: string }>;

/** The bodies of errors. */
export const ERROR_SCHEMAS: NonNullable<Components['schemas']> = {
  Detail: {
    description: 'What went wrong, and what to do.',
    type: 'object',
    properties: { detail: { type: 'string' } },
    required: ['detail'],
    additionalProperties: false,
  },
  FieldErrors: {
    description: 'What is wrong with the object that was sent, by field, such as `properties.0.type`.',
    type: 'object',
    minProperties: 1,
    additionalProperties: { type: 'array', items: { type: 'string' }, minItems: 1 },
  },
};

const header = (description: string, schema: object = { type: 'string' }) => ({ description, schema });
const WHOLE_NUMBER = { type: 'string', pattern: '^\\d+$' };

export const HEADERS: NonNullable<Components['headers']> = {
  'X-Request-Id': header('The id of the request: the caller’s, if it sent a sane one.'),
  'Retry-After': header('Seconds after which the request may be sent again.', WHOLE_NUMBER),
  'RateLimit-Limit': header('How much the plan allows. Absent where the plan has no limit.', WHOLE_NUMBER),
  'RateLimit-Remaining': header('How much of it is left.', WHOLE_NUMBER),
  'RateLimit-Reset': header('Seconds until the limit is whole again.', WHOLE_NUMBER),
  Link: header('Where the next page is, if there is one (RFC 8288).'),
  'WWW-Authenticate': header('The credentials that are understood.'),
};

const REQUEST_ID: Parameter = {
  name: 'X-Request-Id',
  in: 'header',
  description: 'An id of yours for the request: 1 to 128 letters, digits and `_.:-`.',
  schema: { type: 'string' },
};

const OF_BODIES = {
  400: 'The body cannot be read, or is invalid.',
  413: 'The body is too large, counted after decompression.',
  415: 'The body is not JSON, or of an unknown `Content-Encoding`.',
};
const OF_CREDENTIALS = {
  401: 'There is no valid credential.',
  403: 'The credential is valid, and not allowed to do this.',
  429: 'The tenant’s plan does not allow more.',
  503: 'It cannot be done now. Nothing was changed; send it again.',
};

/**
 * A route's operation with what holds for every route of its kind, and no decorator has to repeat: the errors that follow from
 * its credentials, parameters and body, unless it words them itself, the bodies of errors, and the headers of answers.
 * @throws TypeError when the route does not say what it does, what its path holds, or what it answers
 */
export function completeOperation(operation: Operation): Operation {
  const { operationId = '', summary, security = [], requestBody, responses } = operation;
  const parameters = [...((operation.parameters ?? []) as Parameter[]).map(withExampleOfItsOwn), REQUEST_ID];
  if (summary === undefined) throw new TypeError(`${operationId} needs @ApiOperation({ summary })`);
  if (parameters.some(({ in: place, description }) => place === 'path' && description === undefined)) {
    throw new TypeError(`${operationId} needs @ApiParam({ description }) for what its path holds`);
  }
  if ((Object.values(responses) as Answer[]).some(({ description }) => description === '')) {
    throw new TypeError(`${operationId} needs @ApiOkResponse({ description }), or that of its status`);
  }
  // Calls with a credential of ours are counted. Shopify's are not, and it has errors of its own.
  const isCounted = security.some((requirement) => !('ShopifySignature' in requirement));
  const errors: Readonly<Record<string, string>> = {
    ...(parameters.some(({ in: place }) => place === 'query') ? { 400: 'A parameter is invalid.' } : {}),
    ...(requestBody === undefined ? {} : OF_BODIES),
    ...(isCounted ? OF_CREDENTIALS : {}),
    500: 'Something went wrong on our side.',
  };
  const answers = Object.entries({
    ...Object.fromEntries(Object.entries(errors).map(([status, description]) => [status, { description }])),
    ...responses,
  }) as [string, Answer][];
  return {
    ...operation,
    security,
    parameters,
    responses: Object.fromEntries(
      answers.map(([status, answer]) => [status, completeAnswer(answer, Number(status), isCounted)]),
    ),
  };
}

/** @nestjs/swagger puts the example of a parameter into its schema. OpenAPI has a place for it beside the schema. */
function withExampleOfItsOwn(parameter: Parameter): Parameter {
  if (parameter.schema === undefined || !('example' in parameter.schema)) return parameter;
  const { example, ...schema } = parameter.schema as { readonly example?: unknown };
  return { ...parameter, schema, example };
}

function completeAnswer(answer: Answer, status: number, isCounted: boolean): Answer {
  const names = [
    'X-Request-Id',
    ...(status === 429 || status === 503 ? ['Retry-After'] : []),
    ...(status === 401 ? ['WWW-Authenticate'] : []),
    // Calls that are nobody's are not counted.
    ...(isCounted && status !== 401 ? ['RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset'] : []),
  ];
  const headers = Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
  const content =
    answer.content ?? (status < 400 ? undefined : { 'application/json': { schema: errorSchemaOf(status) } });
  return { ...answer, headers: { ...headers, ...answer.headers }, ...(content === undefined ? {} : { content }) };
}

/** Only one object that is invalid has messages by field. */
function errorSchemaOf(status: number) {
  const detail = { $ref: '#/components/schemas/Detail' };
  return status === 400 ? { anyOf: [detail, { $ref: '#/components/schemas/FieldErrors' }] } : detail;
}
