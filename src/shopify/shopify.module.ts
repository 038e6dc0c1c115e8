import { Module } from '@nestjs/common';
import { ErrorsModule } from '../errors/errors.module.js';
import { IdempotencyModule } from '../idempotency/idempotency.module.js';
import { IngestionModule } from '../ingestion/ingestion.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { SchemasModule } from '../schemas/schemas.module.js';
import { TransportModule } from '../transport/transport.module.js';
import { ComplianceService } from './compliance.service.js';
import { DeliveryMemory, WebhookEvents } from './webhook.events.js';
import { ShopifyAccountsModule } from './settings/shopify-accounts.module.js';
import { ShopifySettingsController } from './settings/shopify-settings.controller.js';
import { ShopifyController } from './shopify.controller.js';
import { WebhookService } from './webhook.service.js';
import { WebhookVerifier } from './webhook.verifier.js';

@Module({
  imports: [
    ErrorsModule,
    IdempotencyModule,
    IngestionModule,
    MetricsModule,
    SchemasModule,
    ShopifyAccountsModule,
    TransportModule,
  ],
  controllers: [ShopifyController, ShopifySettingsController],
  providers: [ComplianceService, DeliveryMemory, WebhookEvents, WebhookService, WebhookVerifier],
})
export class ShopifyModule {}
