import { Module } from '@nestjs/common';
import { TenantsModule } from '../tenants/tenants.module.js';
import { ApiKeyGuard } from './api-key.guard.js';

/** Who may call. Exports what the guards need, so that `@UseGuards(ApiKeyGuard)` works where this module is imported. */
@Module({
  imports: [TenantsModule],
  providers: [ApiKeyGuard],
  exports: [ApiKeyGuard, TenantsModule],
})
export class AuthModule {}
