import { Module } from '@nestjs/common';
import { RedisModule } from '../../common/redis.module.js';
import { MetricsModule } from '../../metrics/metrics.module.js';
import { TenantsModule } from '../../tenants/tenants.module.js';
import { AuthModule } from '../auth.module.js';
import { LoginThrottle } from './login.throttle.js';
import { TokenController } from './token.controller.js';

@Module({
  imports: [AuthModule, MetricsModule, TenantsModule, RedisModule],
  controllers: [TokenController],
  providers: [LoginThrottle],
})
export class LoginModule {}
