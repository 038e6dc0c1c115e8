import { Configuration } from '../../src/config/configuration.js';
import { ApiKeyUsage } from '../../src/tenants/api-key.usage.js';
import { ApiKeys } from '../../src/tenants/api-keys.service.js';
import { ControlPlaneChanges } from '../../src/tenants/control-plane.changes.js';
import type { ControlPlaneDatabase } from '../../src/tenants/control-plane.database.js';
import { Passwords } from '../../src/tenants/passwords.js';
import { RefreshTokens } from '../../src/tenants/refresh-tokens.service.js';
import { SecretBox } from '../../src/tenants/secret.box.js';
import { Tenants } from '../../src/tenants/tenants.service.js';
import { Users } from '../../src/tenants/users.service.js';

export const TEST_ENCRYPTION_KEY = '00112233445566778899aabbccddeeff'.repeat(2);

/** The services of the control plane as one more instance of the service has them: with caches of its own. */
export function controlPlaneServices(database: ControlPlaneDatabase) {
  const changes = new ControlPlaneChanges(database);
  const secrets = new SecretBox(Object.assign(new Configuration(), { encryptionKey: TEST_ENCRYPTION_KEY }));
  const tenants = new Tenants(database, changes);
  const usage = new ApiKeyUsage(database);
  const apiKeys = new ApiKeys(database, changes, tenants, secrets, usage);
  const users = new Users(database, changes, tenants, new Passwords());
  const refreshTokens = new RefreshTokens(database);
  return { changes, secrets, tenants, usage, apiKeys, users, refreshTokens };
}
