import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { ConfigModule } from './config/config.module.js';
import type { Configuration } from './config/configuration.js';
import type { Role } from './config/role.js';
import { HealthModule } from './health/health.module.js';
import { IngestionModule } from './ingestion/ingestion.module.js';
import { ProcessingModule } from './processing/processing.module.js';

/** The whole service, reduced to what the process's role needs. */
@Module({})
export class AppModule {
  static forRoot(configuration: Configuration): DynamicModule {
    return {
      module: AppModule,
      imports: [ConfigModule.forRoot(configuration), HealthModule, ...modulesOf(configuration.role)],
    };
  }
}

function modulesOf(role: Role): Type[] {
  switch (role) {
    case 'api':
      return [IngestionModule];
    case 'worker':
      return [ProcessingModule];
    case 'all':
      return [IngestionModule, ProcessingModule];
    default:
      return role satisfies never;
  }
}
