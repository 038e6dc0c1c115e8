import { Module, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { ApiDocument } from './api.document.js';
import { PAGE_FILES, readPageFile } from './page.files.js';

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
    fastify.get('/api/openapi.json', async (_request, reply) =>
      reply.type('application/json; charset=utf-8').send(await this.document.json()),
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
