import { Module } from '@nestjs/common';
import { Configuration } from '../config/configuration.js';
import { ApiKeyUsage } from './api-key.usage.js';
import { ApiKeys } from './api-keys.service.js';
import { ControlPlaneChanges } from './control-plane.changes.js';
import { ControlPlaneDatabase } from './control-plane.database.js';
import { openControlPlane } from './open-control-plane.js';
import { Passwords } from './passwords.js';
import { RefreshTokens } from './refresh-tokens.service.js';
import { SecretBox } from './secret.box.js';
import { StoredSecrets } from './stored-secrets.js';
import { Tenants } from './tenants.service.js';
import { Users } from './users.service.js';

/** The control plane. Opens its database at start: a process without this module needs none. */
@Module({
  providers: [
    { provide: ControlPlaneDatabase, inject: [Configuration], useFactory: openControlPlane },
    ControlPlaneChanges,
    SecretBox,
    StoredSecrets,
    Tenants,
    ApiKeyUsage,
    ApiKeys,
    Passwords,
    Users,
    RefreshTokens,
  ],
  exports: [
    ControlPlaneDatabase,
    ControlPlaneChanges,
    SecretBox,
    StoredSecrets,
    Tenants,
    ApiKeys,
    Users,
    RefreshTokens,
  ],
})
export class TenantsModule {}
