import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { forbidden, unauthorized, unavailable } from '../common/errors.js';
import type { ApiKey } from '../tenants/api-key.js';
import { ApiKeys } from '../tenants/api-keys.service.js';
import { ControlPlaneUnavailableError } from '../tenants/control-plane-unavailable.error.js';

const CREDENTIAL = /^ApiKey +(\S+)$/i;
const RETRY_AFTER_SECONDS = 2;

/** Lets a request pass that carries a tenant's secret key, and notes whose it is in `request.principal`. */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  constructor(private readonly apiKeys: ApiKeys) {}

  /**
   * @throws ApiError 401 without a valid key, 403 for a public one, 503 when the key cannot be checked now: an outage of
   * ours must not look like a wrong key, because clients drop their events on a 4xx.
   */
  async canActivate(context: ExecutionContext): Promise<true> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const apiKey = await this.authenticate(request.headers.authorization);
    if (apiKey.type !== 'secret') {
      throw forbidden('A public key cannot do this. Use a secret key (sk_…).');
    }
    request.principal = { tenantId: apiKey.tenantId, apiKeyId: apiKey.id };
    return true;
  }

  private async authenticate(header: string | undefined): Promise<ApiKey> {
    if (header === undefined) {
      throw unauthorized('Send your API key: "Authorization: ApiKey sk_…".');
    }
    const key = CREDENTIAL.exec(header)?.[1];
    if (key === undefined) {
      throw unauthorized('The Authorization header must read "ApiKey sk_…".');
    }
    const apiKey = await this.find(key);
    if (apiKey === undefined) {
      throw unauthorized('This API key is unknown or was revoked. Check it, or use another.');
    }
    return apiKey;
  }

  private async find(key: string): Promise<ApiKey | undefined> {
    try {
      return await this.apiKeys.find(key);
    } catch (error) {
      if (!(error instanceof ControlPlaneUnavailableError)) {
        throw error;
      }
      throw unavailable('API keys cannot be checked right now. Send the request again.', RETRY_AFTER_SECONDS);
    }
  }
}
