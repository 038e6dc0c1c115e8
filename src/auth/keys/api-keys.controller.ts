import { Body, Controller, Delete, Get, Header, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import {
  ApiBody,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { PAGE_HEADERS, PAGES } from '../../common/api.properties.js';
import { badRequest, forbidden, invalidFields, notFound } from '../../common/errors.js';
import { pageOf, PageQueryDto } from '../../common/page.js';
import { ApiKeys } from '../../tenants/api-keys.service.js';
import { TenantError } from '../../tenants/tenant.js';
import { Accepts, CurrentPrincipal, type UserPrincipal } from '../principal.js';
import { ApiKeyBody, CreatedApiKeyBody, NewApiKeyDto } from './api-keys.dto.js';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Where the people who work for a tenant manage its API keys. */
@Controller('api/auth/api-keys')
@Accepts(['user'])
export class ApiKeysController {
  constructor(private readonly apiKeys: ApiKeys) {}

  @Post()
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Make an API key' })
  @ApiBody({
    type: NewApiKeyDto,
    examples: {
      'a secret key': { value: { name: 'backend' } },
      'a public key for a page': {
        value: { name: 'shop', type: 'public', allowed_origins: ['https://shop.example.com', 'https://*.example.com'] },
      },
    },
  })
  @ApiCreatedResponse({
    description: 'The key, shown this once. A public key comes with its `hmac_secret`, shown this once too.',
    type: CreatedApiKeyBody,
  })
  async create(
    @CurrentPrincipal() { tenantId }: UserPrincipal,
    @Body() body: NewApiKeyDto,
  ): Promise<CreatedApiKeyBody> {
    // The same answer whether or not there is such a tenant.
    if ((body.tenant_slug ?? tenantId) !== tenantId) {
      throw forbidden('You can make keys of your own tenant only. Send its slug as tenant_slug, or none.');
    }
    const created = this.apiKeys.create({
      tenantId,
      name: body.name,
      type: body.type ?? 'secret',
      mode: body.mode ?? 'live',
      allowedOrigins: body.allowed_origins ?? [],
      requireSignedUserId: body.require_signed_user_id ?? false,
    });
    return CreatedApiKeyBody.of(await orAnswer(created, ({ message }) => badRequest(message)));
  }

  /** Revoked keys too, oldest first. */
  @Get()
  @ApiOperation({ summary: 'List API keys', description: PAGES })
  @ApiOkResponse({ description: 'Keys, revoked ones too, oldest first.', type: [ApiKeyBody], headers: PAGE_HEADERS })
  async list(
    @CurrentPrincipal() { tenantId }: UserPrincipal,
    @Query() query: PageQueryDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ApiKeyBody[]> {
    const after = query.cursor === '' ? undefined : query.cursor;
    if (after !== undefined && !UUID.test(after)) throw invalidFields({ cursor: ['must be the id of a key.'] });
    const keys = await this.apiKeys.list(tenantId, { after, limit: query.limit + 1 });
    return pageOf(
      keys.map((key) => ApiKeyBody.of(key)),
      query,
      ({ id }) => id,
      reply,
    );
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Revoke an API key' })
  @ApiParam({ name: 'id', description: 'The key’s id.', example: '019aa1f0-7c2e-7b3a-9d55-0c6a3f1f4b11' })
  @ApiNoContentResponse({ description: 'The key is answered with 401 from now on, on every instance.' })
  @ApiNotFoundResponse({ description: 'The tenant has no such key, or it was revoked before.' })
  async revoke(@CurrentPrincipal() { tenantId }: UserPrincipal, @Param('id') id: string): Promise<void> {
    if (!UUID.test(id)) throw notFound();
    await orAnswer(this.apiKeys.revoke({ tenantId, id }), () => notFound());
  }
}

/** @throws what `answer` makes of a TenantError */
async function orAnswer<T>(work: Promise<T>, answer: (error: TenantError) => Error): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof TenantError ? answer(error) : error;
  }
}
