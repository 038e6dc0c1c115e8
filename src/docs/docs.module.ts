import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Module, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { ApiDocument } from './api.document.js';

interface PageFile {
  readonly path: string;
  readonly mediaType: string;
  /** Absent: it is the file of that name in Swagger UI's package. */
  readonly content?: string;
}

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>SegOps Ingestion: API</title>
    <link rel="stylesheet" href="/api/docs/swagger-ui.css">
    <link rel="icon" type="image/png" href="/api/docs/favicon-32x32.png">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="/api/docs/swagger-ui-bundle.js"></script>
    <script src="/api/docs/start.js"></script>
  </body>
</html>
`;

const START = `window.onload = () => {
  SwaggerUIBundle({
    url: '/api/openapi.json',
    dom_id: '#swagger-ui',
    deepLinking: true,
    // By default the document's address goes to validator.swagger.io.
    validatorUrl: null,
  });
};
`;

const SCRIPT = 'text/javascript; charset=utf-8';

/** The page that shows the API's document: Swagger UI, out of the package that @nestjs/swagger brings, and no more of it. */
const PAGE_FILES: readonly PageFile[] = [
  { path: '/api/docs', mediaType: 'text/html; charset=utf-8', content: PAGE },
  { path: '/api/docs/start.js', mediaType: SCRIPT, content: START },
  { path: '/api/docs/swagger-ui-bundle.js', mediaType: SCRIPT },
  { path: '/api/docs/swagger-ui.css', mediaType: 'text/css; charset=utf-8' },
  { path: '/api/docs/favicon-32x32.png', mediaType: 'image/png' },
];

/**
 * The page may load and ask nothing but ourselves. Swagger UI has its icons in its style sheet (`data:`) and styles some
 * elements where they stand.
 */
const CONTENT_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The API's documentation, for programs at `/api/openapi.json` and for people at `/api/docs/`. */
@Module({ providers: [ApiDocument] })
export class DocsModule implements OnApplicationBootstrap {
  constructor(
    private readonly host: HttpAdapterHost<FastifyAdapter>,
    private readonly document: ApiDocument,
  ) {}

  /**
   * These are Fastify's own routes and pass no guard of Nest's: they are files, open to everybody, and tell nothing of tenants.
   * Not earlier, because a route keeps the error handler that it finds, and Nest sets its own just before this.
   */
  onApplicationBootstrap(): void {
    const fastify = this.host.httpAdapter.getInstance();
    fastify.get('/api/openapi.json', (_request, reply) =>
      reply.type('application/json; charset=utf-8').send(this.document.json()),
    );
    for (const file of PAGE_FILES) {
      fastify.get(file.path, async (_request, reply) =>
        reply
          .type(file.mediaType)
          .headers({ 'content-security-policy': CONTENT_POLICY, 'x-content-type-options': 'nosniff' })
          .send(await readPageFile(file)),
      );
    }
  }
}

async function readPageFile({ path, content }: PageFile): Promise<string | Buffer> {
  return content ?? readFile(join(swaggerUiFolder(), path.replace('/api/docs/', '')));
}

/** Where it is depends on how packages were installed: @nestjs/swagger can tell, because it needs the same. */
function swaggerUiFolder(): string {
  const swagger = createRequire(__filename).resolve('@nestjs/swagger');
  return dirname(createRequire(swagger).resolve('swagger-ui-dist/package.json'));
}
