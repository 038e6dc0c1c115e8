import { type DynamicModule, Module } from '@nestjs/common';
import { Configuration } from './configuration.js';

/** Makes the configuration injectable everywhere, under its class. */
@Module({})
export class ConfigModule {
  static forRoot(configuration: Configuration): DynamicModule {
    return {
      module: ConfigModule,
      global: true,
      providers: [{ provide: Configuration, useValue: configuration }],
      exports: [Configuration],
    };
  }
}
