import { Body, Controller, Delete, Get, Header, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { IsBoolean, IsIn, IsOptional, IsString } from 'class-validator';
import type { FastifyReply } from 'fastify';
import { RejectedIf } from '../../common/dto.pipe.js';
import { badRequest, forbidden, invalidFields, notFound } from '../../common/errors.js';
import { pageOf, PageQueryDto } from '../../common/page.js';
import { MAX_NAME_LENGTH, problemOfName } from '../../common/text.rules.js';
import {
  API_KEY_MODES,
  API_KEY_TYPES,
  type ApiKeyMode,
  type ApiKeySummary,
  type ApiKeyType,
  type CreatedApiKey,
} from '../../tenants/api-key.js';
import { ApiKeys } from '../../tenants/api-keys.service.js';
import { normalizeOrigin } from '../../tenants/origins.js';
import { TenantError } from '../../tenants/tenant.js';
import { Accepts, CurrentPrincipal, type UserPrincipal } from '../principal.js';
import { apiKeysDocs } from './api-keys.docs.js';

/** Why a value cannot be the allowed origins of a key, in words that say what to do; undefined when it can. */
function problemOfAllowedOrigins(value: unknown): string | undefined {
  if (!Array.isArray(value)) return 'must be a list of origins.';
  const wrong = value.findIndex((entry) => typeof entry !== 'string' || normalizeOrigin(entry) === undefined);
  return wrong === -1
    ? undefined
    : `must be origins such as https://shop.example.com or https://*.example.com, without a path, and with no public suffix such as co.uk or github.io after the wildcard; number ${wrong + 1} is not.`;
}

export class NewApiKeyDto {
  @RejectedIf('name', problemOfName, {
    type: 'string',
    minLength: 1,
    maxLength: MAX_NAME_LENGTH,
    pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]*$',
  })
  readonly name!: string;

  @IsOptional()
  @IsString({ message: 'must be a string.' })
  readonly tenant_slug?: string | null;

  @IsOptional()
  @IsIn(API_KEY_TYPES, { message: `must be one of: ${API_KEY_TYPES.join(', ')}.` })
  readonly type?: ApiKeyType | null;

  @IsOptional()
  @IsIn(API_KEY_MODES, { message: `must be one of: ${API_KEY_MODES.join(', ')}.` })
  readonly mode?: ApiKeyMode | null;

  @IsOptional()
  @RejectedIf('allowed_origins', problemOfAllowedOrigins, { type: 'array', items: { type: 'string' } })
  readonly allowed_origins?: readonly string[] | null;

  @IsOptional()
  @IsBoolean({ message: 'must be true or false.' })
  readonly require_signed_user_id?: boolean | null;
}

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
    return createdBody(await orAnswer(created, ({ message }) => badRequest(message)));
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
