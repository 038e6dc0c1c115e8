import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { unauthorized } from '../common/errors.js';
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

  override async validate({ headers }: FastifyRequest): Promise<SecretKeyPrincipal | PublicKeyPrincipal | null> {
    const header = headers.authorization;
    if (header === undefined || !SCHEME.test(header)) {
      return null;
    }
    const key = CREDENTIAL.exec(header)?.[1];
    const apiKey = key === undefined ? undefined : await this.apiKeys.find(key);
    if (apiKey === undefined) {
      throw unauthorized('This API key is unknown or was revoked. Check it, or use another.');
    }
    const { tenantId } = apiKey;
    return apiKey.type === 'secret'
      ? { kind: 'secret-key', tenantId, apiKeyId: apiKey.id }
      : { kind: 'public-key', tenantId, apiKey };
  }
}
