import { Module } from '@nestjs/common';
import { TenantsModule } from '../../tenants/tenants.module.js';
import { ApiKeysController } from './api-keys.controller.js';

@Module({ imports: [TenantsModule], controllers: [ApiKeysController] })
export class ApiKeysModule {}
