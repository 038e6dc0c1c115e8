import { type INestApplication, Injectable } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { type JsonSchema, schemaOf } from '../common/dto.schema.js';
import { SECURITY_SCHEMES } from './credentials.document.js';
import { ERROR_SCHEMAS, HEADERS } from './errors.document.js';
import { operationOf, schemaNameOf } from './operation.document.js';
import { type Dto, type Route, routeOf } from './route.js';

const DESCRIPTION = [
  'Events come in, are on disk when they are answered with 202, and are stored exactly once.',
  'Paths work with and without the trailing slash. Bodies are JSON in UTF-8, and may be compressed (`Content-Encoding: gzip`, `deflate` or `br`). Our own overload is 503, never 429.',
].join('\n\n');

type Paths = Readonly<
  Record<string, Readonly<Record<string, { readonly operationId?: string; readonly tags?: unknown }>>>
>;

/** The OpenAPI document: routes as Nest knows them, shapes as the DTOs declare them, and what `@Documented` adds. */
@Injectable()
export class ApiDocument {
  private app: INestApplication | undefined;
  private text: Promise<string> | undefined;

  constructor(private readonly modules: ModulesContainer) {}

  /** Says whose routes these are. The application exists only after its providers, so it cannot be injected. */
  describes(app: INestApplication): void {
    this.app = app;
  }

  /**
   * The document's JSON, made when it is first asked for.
   * @throws TypeError when a route is not documented
   */
  json(): Promise<string> {
    return (this.text ??= this.build());
  }

  private async build(): Promise<string> {
    if (this.app === undefined) {
      throw new TypeError('There is no application to document');
    }
    // Not at the top of the file: it takes 110 ms and up to 10 MB, which only those pay who read the document.
    const { DocumentBuilder, SwaggerModule } = await import('@nestjs/swagger');
    const base = new DocumentBuilder()
      .setTitle('SegOps Ingestion')
      .setDescription(DESCRIPTION)
      .setVersion('1')
      .setOpenAPIVersion('3.1.0')
      .addServer('/')
      .build();
    const scanned = SwaggerModule.createDocument(this.app, base, {
      operationIdFactory: (controller, method) => `${controller}.${method}`,
    });
    const { paths, schemas } = this.describeAll(scanned.paths as unknown as Paths);
    const components = {
      schemas: { ...ERROR_SCHEMAS, ...schemas },
      headers: HEADERS,
      securitySchemes: SECURITY_SCHEMES,
    };
    return JSON.stringify({ ...scanned, paths, components });
  }

  private describeAll(scanned: Paths): { paths: JsonSchema; schemas: JsonSchema } {
    const controllers = new Map(this.controllers().map((controller) => [controller.name, controller]));
    const schemas: Record<string, JsonSchema> = {};
    const paths = Object.entries(scanned).map(([path, operations]) => {
      const parameters = Array.from(path.matchAll(/{(\w+)}/g), ([, name]) => String(name));
      const described = Object.entries(operations).map(([verb, { operationId = '', tags }]) => {
        const {
          controller: name = '',
          method = '',
          alias = '',
        } = /^(?<controller>\w+)\.(?<method>\w+)(?:\[(?<alias>\d+)])?$/.exec(operationId)?.groups ?? {};
        const controller = controllers.get(name);
        if (controller === undefined) {
          throw new TypeError(`${verb} ${path} belongs to no controller`);
        }
        const route = routeOf(controller, method);
        for (const dto of dtosOf(route)) schemas[schemaNameOf(dto)] = schemaOf(dto);
        const id = [name.replace(/Controller$/, ''), method, alias].filter(Boolean).join('_');
        return [verb, { operationId: id, tags, ...operationOf(route, parameters) }];
      });
      return [addressOf(path), Object.fromEntries(described) as JsonSchema];
    });
    return { paths: Object.fromEntries(paths) as JsonSchema, schemas };
  }

  private controllers(): Dto[] {
    return [...this.modules.values()].flatMap((module) =>
      [...module.controllers.values()].flatMap(({ metatype }) =>
        typeof metatype === 'function' ? [metatype as Dto] : [],
      ),
    );
  }
}

function dtosOf({ docs, bodyDto }: Route): Dto[] {
  return [docs.body, bodyDto].filter((body): body is Dto => typeof body === 'function');
}

/** Paths of the API end with a slash, others do not. */
function addressOf(path: string): string {
  return path.startsWith('/api/') ? `${path}/` : path;
}
