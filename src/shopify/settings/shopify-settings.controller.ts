import { Body, Controller, Get, Put } from '@nestjs/common';
import { Accepts } from '../../auth/accepts.decorator.js';
import { CurrentPrincipal } from '../../auth/principal.decorator.js';
import type { Principal } from '../../auth/principal.js';
import { ShopifySettingsDto } from './dto/shopify-settings.dto.js';
import { ShopifyAccounts } from './shopify-accounts.service.js';
import { shopifySettingsDocs } from './shopify-settings.docs.js';

/** How a tenant's webhooks are verified. Secrets go in and never come out. */
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
