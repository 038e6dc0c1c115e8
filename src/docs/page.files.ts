import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export interface PageFile {
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
export const PAGE_FILES: readonly PageFile[] = [
  { path: '/api/docs', mediaType: 'text/html; charset=utf-8', content: PAGE },
  { path: '/api/docs/start.js', mediaType: SCRIPT, content: START },
  { path: '/api/docs/swagger-ui-bundle.js', mediaType: SCRIPT },
  { path: '/api/docs/swagger-ui.css', mediaType: 'text/css; charset=utf-8' },
  { path: '/api/docs/favicon-32x32.png', mediaType: 'image/png' },
];

export async function readPageFile({ path, content }: PageFile): Promise<string | Buffer> {
  return content ?? readFile(join(swaggerUiFolder(), path.replace('/api/docs/', '')));
}

/** Where it is depends on how packages were installed: @nestjs/swagger can tell, because it needs the same. */
function swaggerUiFolder(): string {
  const swagger = createRequire(__filename).resolve('@nestjs/swagger');
  return dirname(createRequire(swagger).resolve('swagger-ui-dist/package.json'));
}
