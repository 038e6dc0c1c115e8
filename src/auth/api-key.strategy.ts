import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { unauthorized } from '../common/errors.js';
import type { ApiKey } from '../tenants/api-key.js';
import { ApiKeys } from '../tenants/api-keys.service.js';
import { CredentialStrategy } from './credential.strategy.js';
import type { PublicKeyPrincipal, SecretKeyPrincipal } from './principal.js';

const SCHEME = /^ApiKey(?: +|$)/i;
const CREDENTIAL = /^ApiKey +(\S+)$/i;

/** `Authorization: ApiKey sk_…` or `pk_…`. */
@Injectable()
export class ApiKeyStrategy extends CredentialStrategy {
  constructor(private readonly apiKeys: ApiKeys) {
    super('api-key');
  }

  override async validate({ headers, ip }: FastifyRequest): Promise<SecretKeyPrincipal | PublicKeyPrincipal | null> {
    const header = headers.authorization;
    if (header === undefined || !SCHEME.test(header)) {
      return null;
    }
    const key = CREDENTIAL.exec(header)?.[1];
    const apiKey = key === undefined ? undefined : await this.apiKeys.find(key, ip);
    if (apiKey === undefined) {
      throw unauthorized('This API key is unknown or was revoked. Check it, or use another.');
    }
    return principalOf(apiKey);
  }

  /** The same, as far as memory can tell without waiting; `undefined` when only {@link validate} can. */
  recall({ headers }: FastifyRequest): SecretKeyPrincipal | PublicKeyPrincipal | undefined {
    const key = headers.authorization === undefined ? undefined : CREDENTIAL.exec(headers.authorization)?.[1];
    const apiKey = key === undefined ? undefined : this.apiKeys.recall(key);
    return apiKey && principalOf(apiKey);
  }
}

function principalOf(apiKey: ApiKey): SecretKeyPrincipal | PublicKeyPrincipal {
  const { id, tenantId, type } = apiKey;
  return type === 'secret' ? { kind: 'secret-key', tenantId, apiKeyId: id } : { kind: 'public-key', tenantId, apiKey };
}
