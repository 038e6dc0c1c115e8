import { Module } from '@nestjs/common';
import { TenantsModule } from '../tenants/tenants.module.js';
import { EventSchemas } from './event-schemas.service.js';
import { SchemasController } from './schemas.controller.js';

/** What tenants expect of their events. */
@Module({
  imports: [TenantsModule],
  controllers: [SchemasController],
  providers: [EventSchemas],
  exports: [EventSchemas],
})
export class SchemasModule {}
