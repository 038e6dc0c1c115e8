import { Module } from '@nestjs/common';
import { TenantsModule } from '../../tenants/tenants.module.js';
import { AuthModule } from '../auth.module.js';
import { SessionController } from './session.controller.js';

@Module({
  imports: [AuthModule, TenantsModule],
  controllers: [SessionController],
})
export class SessionModule {}
