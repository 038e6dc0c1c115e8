import { Body, Controller, Get, Put } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiProperty } from '@nestjs/swagger';
import { INSTANT, UUID } from '../../common/api.properties.js';
import { Accepts } from '../../auth/accepts.decorator.js';
import { CurrentPrincipal } from '../../auth/principal.decorator.js';
import type { Principal } from '../../auth/principal.js';
import { ShopifySettingsDto } from './dto/shopify-settings.dto.js';
import { ShopifyAccounts } from './shopify-accounts.service.js';

class ShopifySecretBody {
  @ApiProperty(UUID) readonly id!: string;
  @ApiProperty(INSTANT) readonly created_at!: string;
}

class ShopifySettingsBody {
  @ApiProperty({ type: 'string', nullable: true }) readonly shop_domain!: string | null;
  @ApiProperty({ type: [ShopifySecretBody] }) readonly secrets!: readonly ShopifySecretBody[];
  @ApiProperty() readonly webhook_path!: string;
}

/** How a tenant's webhooks are verified. Secrets go in and never come out. */
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
