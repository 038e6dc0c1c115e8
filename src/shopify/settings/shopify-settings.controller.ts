import { Body, Controller, Get, Put } from '@nestjs/common';
import { ArrayMaxSize, IsArray, IsOptional, IsString, Length, ValidateBy } from 'class-validator';
import { Accepts, CurrentPrincipal, type Principal } from '../../auth/principal.js';
import { MAX_SECRET_LENGTH, MAX_SECRETS, normalizeShopDomain, ShopifyAccounts } from './shopify-accounts.service.js';
import { shopifySettingsDocs } from './shopify-settings.docs.js';

/** The body of a change of settings. What is absent stays as it is. */
export class ShopifySettingsDto {
  /** null: any shop that knows a secret. */
  @IsOptional()
  @ValidateBy(
    {
      name: 'shopDomain',
      validator: {
        validate: (value) => typeof value === 'string' && normalizeShopDomain(value) !== undefined,
      },
    },
    {
      context: { schema: { type: 'string' } },
      message: 'must read acme.myshopify.com, without https:// and without a path.',
    },
  )
  readonly shop_domain?: string | null;

  /** Replace all earlier ones; an empty list ends the integration. */
  @IsOptional()
  @IsArray({ message: 'must be a list of secrets.' })
  @ArrayMaxSize(MAX_SECRETS, { message: `must have at most ${MAX_SECRETS} secrets.` })
  @IsString({ each: true, message: 'must be a list of texts.' })
  @Length(1, MAX_SECRET_LENGTH, { each: true, message: `must have secrets of 1 to ${MAX_SECRET_LENGTH} characters.` })
  @ValidateBy(
    { name: 'notPadded', validator: { validate: (value) => typeof value !== 'string' || value === value.trim() } },
    { each: true, context: { schema: {} }, message: 'must have secrets without space around them.' },
  )
  readonly secrets?: readonly string[] | null;
}

/** How a tenant's webhooks are verified. Secrets are never shown. */
@Controller('api/integrations/shopify')
@Accepts(['user'])
export class ShopifySettingsController {
  constructor(private readonly accounts: ShopifyAccounts) {}

  @Get()
  @shopifySettingsDocs.find
  async find(@CurrentPrincipal() { tenantId }: Principal) {
    const { shopDomain, secrets } = await this.accounts.summary(tenantId);
    return {
      shop_domain: shopDomain,
      secrets: secrets.map(({ id, createdAt }) => ({ id, created_at: createdAt.toISOString() })),
      webhook_path: `/api/ingestion/shopify/${tenantId}/`,
    };
  }

  @Put()
  @shopifySettingsDocs.change
  async change(
    @CurrentPrincipal() principal: Principal,
    @Body() { shop_domain: shopDomain, secrets }: ShopifySettingsDto,
  ) {
    await this.accounts.change(principal.tenantId, { shopDomain, secrets: secrets ?? undefined });
    return this.find(principal);
  }
}
