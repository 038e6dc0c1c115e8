import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { AuthModule } from './auth/auth.module.js';
import { CorsModule } from './auth/cors/cors.module.js';
import { ApiKeysModule } from './auth/keys/api-keys.module.js';
import { LoginModule } from './auth/login/login.module.js';
import { SessionModule } from './auth/session/session.module.js';
import { ConfigModule } from './config/load-configuration.js';
import type { Configuration, Role } from './config/configuration.js';
import { DocsModule } from './docs/docs.module.js';
import { ErrorsModule } from './errors/errors.module.js';
import { HealthModule } from './health/health.module.js';
import { IngestionModule } from './ingestion/ingestion.module.js';
import { MetricsServerModule } from './metrics/metrics-server.module.js';
import { PlansModule } from './plans/plans.module.js';
import { ProcessingModule } from './processing/processing.module.js';
import { SchemasModule } from './schemas/schemas.module.js';
import { ShutdownModule } from './shutdown/shutdown.js';
import { ShopifyModule } from './shopify/shopify.module.js';
import { TracingModule } from './tracing/tracing.module.js';
import { StatsModule } from './stats/stats.module.js';
import { StartCheckModule } from './transport/start-check.module.js';

/** The whole service, reduced to what the process's role needs. */
@Module({})
export class AppModule {
  static forRoot(configuration: Configuration): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.forRoot(configuration),
        StartCheckModule,
        HealthModule,
        MetricsServerModule,
        TracingModule,
        ShutdownModule,
        ...modulesOf(configuration.role),
      ],
    };
  }
}

/** The guards of the first two stand before every route, in this order: who calls, then whether they may call once more. */
const API: readonly Type[] = [
  AuthModule,
  PlansModule,
  CorsModule,
  LoginModule,
  SessionModule,
  ApiKeysModule,
  IngestionModule,
  SchemasModule,
  ErrorsModule,
  StatsModule,
  ShopifyModule,
  DocsModule,
];

function modulesOf(role: Role): readonly Type[] {
  switch (role) {
    case 'api':
      return API;
    case 'worker':
      return [ProcessingModule];
    case 'all':
      return [...API, ProcessingModule];
    default:
      return role satisfies never;
  }
}
