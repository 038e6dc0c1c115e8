import { Body, Controller, Delete, Get, Header, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { badRequest, forbidden, invalidFields, notFound } from '../../common/errors.js';
import { PageQueryDto, pageOf } from '../../common/page.js';
import type { ApiKeySummary, CreatedApiKey } from '../../tenants/api-key.js';
import { ApiKeys } from '../../tenants/api-keys.service.js';
import { TenantError } from '../../tenants/tenant.error.js';
import { Accepts } from '../accepts.decorator.js';
import { CurrentPrincipal } from '../principal.decorator.js';
import type { UserPrincipal } from '../principal.js';
import { apiKeysDocs } from './api-keys.docs.js';
import { NewApiKeyDto } from './dto/new-api-key.dto.js';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Where the people who work for a tenant manage its API keys. */
@Controller('api/auth/api-keys')
@Accepts(['user'])
export class ApiKeysController {
  constructor(private readonly apiKeys: ApiKeys) {}

  @Post()
  @Header('cache-control', 'no-store')
  @apiKeysDocs.create
  async create(@CurrentPrincipal() { tenantId }: UserPrincipal, @Body() body: NewApiKeyDto) {
    // The same answer whether or not there is such a tenant: who its neighbours are is nobody's business.
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
    return createdBody(await orRefuse(created, ({ message }) => badRequest(message)));
  }

  /** Revoked keys too, oldest first. */
  @Get()
  @apiKeysDocs.list
  async list(
    @CurrentPrincipal() { tenantId }: UserPrincipal,
    @Query() query: PageQueryDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const after = query.cursor === '' ? undefined : query.cursor;
    if (after !== undefined && !UUID.test(after)) throw invalidFields({ cursor: ['must be the id of a key.'] });
    const keys = await this.apiKeys.list(tenantId, { after, limit: query.limit + 1 });
    return pageOf(keys.map(summaryBody), query, ({ id }) => id, reply);
  }

  @Delete(':id')
  @HttpCode(204)
  @apiKeysDocs.revoke
  async revoke(@CurrentPrincipal() { tenantId }: UserPrincipal, @Param('id') id: string): Promise<void> {
    if (!UUID.test(id)) {
      throw notFound();
    }
    await orRefuse(this.apiKeys.revoke({ tenantId, id }), () => notFound());
  }
}

/** @throws ApiError what `refusal` makes of a TenantError */
async function orRefuse<T>(work: Promise<T>, refusal: (error: TenantError) => Error): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof TenantError ? refusal(error) : error;
  }
}

function createdBody({ id, name, key, hmacSecret }: CreatedApiKey) {
  return { id, name, key, ...(hmacSecret === undefined ? {} : { hmac_secret: hmacSecret }) };
}

function summaryBody(key: ApiKeySummary) {
  return {
    id: key.id,
    name: key.name,
    type: key.type,
    prefix: key.prefix,
    last_four: key.lastFour,
    allowed_origins: key.allowedOrigins,
    require_signed_user_id: key.requireSignedUserId,
    created_at: key.createdAt.toISOString(),
    last_used_at: key.lastUsedAt?.toISOString() ?? null,
    revoked_at: key.revokedAt?.toISOString() ?? null,
  };
}
