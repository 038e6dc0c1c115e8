import { Module } from '@nestjs/common';
import { TenantsModule } from '../../tenants/tenants.module.js';
import { ShopifyAccounts } from './shopify-accounts.service.js';

/** The tenants' Shopify settings, for the service and for the command line. */
@Module({
  imports: [TenantsModule],
  providers: [ShopifyAccounts],
  exports: [ShopifyAccounts, TenantsModule],
})
export class ShopifyAccountsModule {}
