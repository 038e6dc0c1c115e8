import { Module } from '@nestjs/common';
import { Configuration } from '../config/configuration.js';
import { ApiKeys } from './api-keys.service.js';
import { ControlPlaneDatabase } from './control-plane.database.js';
import { openControlPlane } from './open-control-plane.js';
import { Tenants } from './tenants.service.js';

/** The control plane. Opens its database at start, so a process that does not need it leaves this module out. */
@Module({
  providers: [
    { provide: ControlPlaneDatabase, inject: [Configuration], useFactory: openControlPlane },
    Tenants,
    ApiKeys,
  ],
  exports: [Tenants, ApiKeys],
})
export class TenantsModule {}
