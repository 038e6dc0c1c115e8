import { type DynamicModule, Module } from '@nestjs/common';
import { ConfigModule } from '../config/load-configuration.js';
import type { Configuration } from '../config/configuration.js';

/** The service without its servers: the configuration, and the modules that a command works with. */
@Module({})
export class CliModule {
  static forRoot(configuration: Configuration, modules: NonNullable<DynamicModule['imports']>): DynamicModule {
    return { module: CliModule, imports: [ConfigModule.forRoot(configuration), ...modules] };
  }
}
