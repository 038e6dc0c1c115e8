import { type JsonSchema, schemaOf } from '../common/dto.schema.js';
import { PageQueryDto } from '../common/page.js';
import { SCHEME_OF } from './credentials.document.js';
import type { Answer, RequestExample, RouteDocs } from './documented.decorator.js';
import { errorSchemaOf, headersOf } from './errors.document.js';
import type { Dto, Route } from './route.js';

const JSON_TYPE = 'application/json';

/** What the document says of a route, but for its address. @param pathParameters the names in its path */
export function operationOf(route: Route, pathParameters: readonly string[]): JsonSchema {
  const { docs } = route;
  const requestBody = requestBodyOf(route);
  return {
    summary: docs.summary,
    ...(docs.description === undefined ? {} : { description: docs.description }),
    security: securityOf(route),
    parameters: [
      ...pathParameters.map((name) => pathParameter(docs, name)),
      ...queryOf(route),
      ...headerParameters(docs),
    ],
    ...(requestBody === undefined ? {} : { requestBody }),
    responses: responsesOf(route),
  };
}

function securityOf({ docs, accepts }: Route): JsonSchema[] {
  const schemes = docs.signedBy === undefined ? accepts.map((kind) => SCHEME_OF[kind]) : [docs.signedBy];
  return schemes.map((scheme) => ({ [scheme]: [] }));
}

function pathParameter({ summary, parameters = {} }: RouteDocs, name: string): JsonSchema {
  const { [name]: parameter } = parameters;
  if (parameter === undefined) {
    throw new TypeError(`The parameter ${name} of "${summary}" is not documented`);
  }
  return { ...parameter, name, in: 'path', required: true, schema: { type: 'string' } };
}

function headerParameters({ headers = {} }: RouteDocs): JsonSchema[] {
  const requestId = { description: 'An id of yours for the request: 1 to 128 letters, digits and `_.:-`.' };
  return Object.entries({ ...headers, 'X-Request-Id': requestId }).map(([name, header]) => ({
    ...header,
    name,
    in: 'header',
    schema: { type: 'string' },
  }));
}

function queryOf({ docs, queryDto }: Route): JsonSchema[] {
  const properties = queryDto === undefined ? {} : (schemaOf(queryDto)['properties'] as Record<string, JsonSchema>);
  return Object.entries(properties).map(([name, schema]) => {
    return { name, in: 'query', schema, examples: examplesOf(docs, ({ query }) => query?.[name]) };
  });
}

function requestBodyOf({ docs, bodyDto }: Route): JsonSchema | undefined {
  const body = docs.body ?? bodyDto;
  if (body === undefined) {
    return undefined;
  }
  const schema = typeof body === 'function' ? { $ref: `#/components/schemas/${schemaNameOf(body)}` } : body;
  return {
    required: true,
    content: { [JSON_TYPE]: { schema, examples: examplesOf(docs, (example) => example.body) } },
  };
}

/** The examples that have what `valueIn` looks for. */
function examplesOf({ examples = {} }: RouteDocs, valueIn: (example: RequestExample) => unknown): JsonSchema {
  const values = Object.entries(examples).map(([title, example]) => [title, valueIn(example)] as const);
  return Object.fromEntries(
    values.filter(([, value]) => value !== undefined).map(([title, value]) => [title, { value }]),
  );
}

/** The name under which a DTO stands among the document's schemas. */
export function schemaNameOf(dto: Dto): string {
  return dto.name.replace(/Dto$/, '');
}

function responsesOf(route: Route): JsonSchema {
  const kind = { isLimited: route.accepts.length > 0, isPaged: route.queryDto === PageQueryDto };
  const errors = Object.entries(errorsOf(route)).map(([status, description]): [string, Answer] => [
    status,
    { description, schema: errorSchemaOf(Number(status)) },
  ]);
  const answers = [...errors, ...Object.entries(route.docs.answers)];
  return Object.fromEntries(answers.map(([status, answer]) => [status, responseOf(Number(status), answer, kind)]));
}

function responseOf(
  status: number,
  { description, schema }: Answer,
  kind: Parameters<typeof headersOf>[1],
): JsonSchema {
  const headers = headersOf(status, kind).map((name) => [name, { $ref: `#/components/headers/${name}` }]);
  return {
    description,
    headers: Object.fromEntries(headers) as JsonSchema,
    ...(schema === undefined ? {} : { content: { [JSON_TYPE]: { schema } } }),
  };
}

/** What can go wrong with any route of this kind, and with this one. */
function errorsOf({ docs, accepts, bodyDto, queryDto }: Route): Readonly<Record<number, string>> {
  const takesBody = (docs.body ?? bodyDto) !== undefined;
  return {
    ...(queryDto === undefined ? {} : { 400: 'A parameter is invalid.' }),
    ...(takesBody
      ? {
          400: 'The body cannot be read, or is invalid.',
          413: 'The body is too large, counted after decompression.',
          415: 'The body is not JSON, or of an unknown `Content-Encoding`.',
        }
      : {}),
    ...(accepts.length === 0
      ? {}
      : {
          401: 'There is no valid credential.',
          403: 'The credential is valid, and not allowed to do this.',
          429: 'The tenant’s plan does not allow more.',
          503: 'It cannot be done now. Nothing was changed; send it again.',
        }),
    500: 'Something went wrong on our side.',
    ...docs.errors,
  };
}
