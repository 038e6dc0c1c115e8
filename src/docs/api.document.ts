import { type INestApplication, Injectable } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { SECURITY_SCHEME_OF } from '../auth/principal.js';
import { completeOperation, ERROR_SCHEMAS, HEADERS, type Operation } from './complete-operation.js';

const DESCRIPTION = [
  'Events come in, are on disk when they are answered with 202, and are stored exactly once.',
  'Paths work with and without the trailing slash. Bodies are JSON in UTF-8, and may be compressed (`Content-Encoding: gzip`, `deflate` or `br`). Our own overload is 503, never 429.',
].join('\n\n');

/** OpenAPI knows no scheme `ApiKey`: keys are described as a header of their own form. */
const key = (description: string) => ({ type: 'apiKey', in: 'header', name: 'Authorization', description }) as const;
const bearer = (description: string) => ({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description }) as const;

const BASE = new DocumentBuilder()
  .setTitle('SegOps Ingestion')
  .setDescription(DESCRIPTION)
  .setVersion('1')
  .setOpenAPIVersion('3.1.0')
  .addServer('/')
  .addSecurity(
    SECURITY_SCHEME_OF['secret-key'],
    key('`ApiKey sk_…`: a tenant’s secret key, for servers. The value includes the word `ApiKey`.'),
  )
  .addSecurity(
    SECURITY_SCHEME_OF['public-key'],
    key('`ApiKey pk_…`: a tenant’s public key, which opens sessions. The value includes the word `ApiKey`.'),
  )
  .addSecurity(
    SECURITY_SCHEME_OF.user,
    bearer('A user’s access token, from `POST /api/auth/token/`. Lives 60 minutes.'),
  )
  .addSecurity(
    SECURITY_SCHEME_OF.session,
    bearer('The token of a page’s or app’s session, from `POST /api/auth/session/`. Lives 15 minutes.'),
  )
  .addSecurity('ShopifySignature', {
    type: 'apiKey',
    in: 'header',
    name: 'X-Shopify-Hmac-SHA256',
    description: 'Base64 of HMAC-SHA256 over the bytes of the body, keyed with a webhook secret of the tenant.',
  })
  .build();

/** The OpenAPI document: what @nestjs/swagger reads off controllers and DTOs, and what holds for every route. */
@Injectable()
export class ApiDocument {
  private app: INestApplication | undefined;
  private text: string | undefined;

  /** Says whose routes these are. The application exists only after its providers, so it cannot be injected. */
  describes(app: INestApplication): void {
    this.app = app;
  }

  /**
   * The document's JSON, made when it is first asked for.
   * @throws TypeError when a route is not documented
   */
  json(): string {
    return (this.text ??= JSON.stringify(this.build()));
  }

  private build(): OpenAPIObject {
    if (this.app === undefined) {
      throw new TypeError('There is no application to document');
    }
    const document = SwaggerModule.createDocument(this.app, BASE, { operationIdFactory });
    const paths = Object.entries(document.paths).map(([path, operations]) => [
      // Paths of the API end with a slash, others do not.
      path.startsWith('/api/') ? `${path}/` : path,
      mapValues(operations as Record<string, Operation>, completeOperation),
    ]);
    const schemas = { ...ERROR_SCHEMAS, ...mapValues(document.components?.schemas ?? {}, closedIfAnswer) };
    return {
      ...document,
      paths: Object.fromEntries(paths) as OpenAPIObject['paths'],
      components: { ...document.components, schemas, headers: HEADERS },
    };
  }
}

/** `Jwks_keys_0` for the first path of `JwksController.keys`, which Nest calls `keys[0]`. */
function operationIdFactory(controller: string, method: string): string {
  return `${controller.replace(/Controller$/, '')}_${method.replace(/\[(\d+)\]$/, '_$1')}`;
}

/** Bodies of answers are classes named `…Body`. They have the documented members and no others; requests may have others. */
function closedIfAnswer<T extends object>(schema: T, name: string): T {
  return name.endsWith('Body') ? { ...schema, additionalProperties: false } : schema;
}

function mapValues<A, B>(object: Readonly<Record<string, A>>, map: (value: A, key: string) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value, key)]));
}
