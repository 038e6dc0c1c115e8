import { Body, Controller, Get, Put } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiProperty, ApiPropertyOptional, ApiSchema } from '@nestjs/swagger';
import { ArrayMaxSize, IsArray, IsOptional, IsString, Length, ValidateBy } from 'class-validator';
import { Accepts, CurrentPrincipal, type Principal } from '../../auth/principal.js';
import { INSTANT, UUID } from '../../common/api.properties.js';
import { MAX_SECRET_LENGTH, MAX_SECRETS, normalizeShopDomain, ShopifyAccounts } from './shopify-accounts.service.js';

/** The body of a change of settings. What is absent stays as it is. */
@ApiSchema({ name: 'ShopifySettings' })
export class ShopifySettingsDto {
  /** null: any shop that knows a secret. */
  @ApiPropertyOptional({ type: 'string', nullable: true })
  @IsOptional()
  @ValidateBy(
    {
      name: 'shopDomain',
      validator: {
        validate: (value) => typeof value === 'string' && normalizeShopDomain(value) !== undefined,
      },
    },
    {
      message: 'must read acme.myshopify.com, without https:// and without a path.',
    },
  )
  readonly shop_domain?: string | null;

  /** Replace all earlier ones; an empty list ends the integration. */
  @ApiPropertyOptional({
    type: 'array',
    items: { type: 'string', minLength: 1, maxLength: MAX_SECRET_LENGTH },
    maxItems: MAX_SECRETS,
    nullable: true,
  })
  @IsOptional()
  @IsArray({ message: 'must be a list of secrets.' })
  @ArrayMaxSize(MAX_SECRETS, { message: `must have at most ${MAX_SECRETS} secrets.` })
  @IsString({ each: true, message: 'must be a list of texts.' })
  @Length(1, MAX_SECRET_LENGTH, { each: true, message: `must have secrets of 1 to ${MAX_SECRET_LENGTH} characters.` })
  @ValidateBy(
    { name: 'notPadded', validator: { validate: (value) => typeof value !== 'string' || value === value.trim() } },
    { each: true, message: 'must have secrets without space around them.' },
  )
  readonly secrets?: readonly string[] | null;
}

class ShopifySecretBody {
  @ApiProperty(UUID) readonly id!: string;
  @ApiProperty(INSTANT) readonly created_at!: string;
}

class ShopifySettingsBody {
  @ApiProperty({ type: 'string', nullable: true }) readonly shop_domain!: string | null;
  @ApiProperty({ type: [ShopifySecretBody] }) readonly secrets!: readonly ShopifySecretBody[];
  @ApiProperty() readonly webhook_path!: string;
}

/** How a tenant's webhooks are verified. Secrets are never shown. */
@Controller('api/integrations/shopify')
@Accepts(['user'])
export class ShopifySettingsController {
  constructor(private readonly accounts: ShopifyAccounts) {}

  @Get()
  @ApiOperation({ summary: 'See how webhooks of Shopify are verified' })
  @ApiOkResponse({ description: 'The settings. Secrets go in and never come out.', type: ShopifySettingsBody })
  async find(@CurrentPrincipal() { tenantId }: Principal): Promise<ShopifySettingsBody> {
    const { shopDomain, secrets } = await this.accounts.summary(tenantId);
    return {
      shop_domain: shopDomain,
      secrets: secrets.map(({ id, createdAt }) => ({ id, created_at: createdAt.toISOString() })),
      webhook_path: `/api/ingestion/shopify/${tenantId}/`,
    };
  }

  @Put()
  @ApiOperation({
    summary: 'Change how webhooks of Shopify are verified',
    description:
      'What is absent stays as it is. Without a `shop_domain` webhooks of any shop that knows a secret are taken.',
  })
  @ApiBody({
    type: ShopifySettingsDto,
    examples: {
      'a shop and its secret': { value: { shop_domain: 'acme.myshopify.com', secrets: ['hush-4f1c9d'] } },
    },
  })
  @ApiOkResponse({ description: 'The settings as they are now.', type: ShopifySettingsBody })
  async change(
    @CurrentPrincipal() principal: Principal,
    @Body() { shop_domain: shopDomain, secrets }: ShopifySettingsDto,
  ): Promise<ShopifySettingsBody> {
    await this.accounts.change(principal.tenantId, { shopDomain, secrets: secrets ?? undefined });
    return this.find(principal);
  }
}
