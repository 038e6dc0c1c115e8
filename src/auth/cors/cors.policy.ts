import { Injectable, Logger } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { forbidden } from '../../common/errors.js';
import { ApiKeys } from '../../tenants/api-keys.service.js';
import { parseOrigin } from '../../tenants/origins.js';

/** What web pages call: all that a public key and its sessions are good for. */
const PATHS: ReadonlySet<string> = new Set(['/api/auth/session', '/api/ingestion/track', '/api/ingestion/track/batch']);

const LOG_EVERY_MS = 10_000;

/**
 * Decides which pages may read an answer. This is for the browser's sake, and open to every origin that some key lists: only
 * an origin that its own key lists gets past the guard, but a page must be able to read that its session has expired.
 */
@Injectable()
export class CorsPolicy {
  private readonly logger = new Logger(CorsPolicy.name);
  private loggedAt = -Infinity;

  constructor(private readonly apiKeys: ApiKeys) {}

  /**
   * Whether the answer to a request, or a preflight, is open to the origin that it comes from.
   * @throws ApiError 403 to a preflight from an origin that no key lists
   * @throws ControlPlaneUnavailableError, ApiError 503 to a preflight that cannot be answered now
   */
  async isOpenTo({ method, url, headers, ip }: FastifyRequest): Promise<boolean> {
    const { origin } = headers;
    if (origin === undefined || !PATHS.has(pathOf(url))) {
      return false;
    }
    if (method !== 'OPTIONS') {
      return this.isListedBySomeKey(origin, ip).catch((error: unknown) => {
        this.log(error);
        return false;
      });
    }
    if (headers['access-control-request-method'] === undefined) {
      return false;
    }
    if (!(await this.isListedBySomeKey(origin, ip))) {
      throw forbidden('No public key lists this origin. Make one that has it in allowed_origins.');
    }
    return true;
  }

  private async isListedBySomeKey(header: string, address: string): Promise<boolean> {
    const origin = parseOrigin(header);
    if (origin === undefined) {
      return false;
    }
    return this.apiKeys.admitsOrigin(origin, address);
  }

  /** Once in a while, not once a request. */
  private log(error: unknown): void {
    const now = performance.now();
    if (now - this.loggedAt < LOG_EVERY_MS) return;
    this.loggedAt = now;
    const reason = error instanceof Error ? error.message : String(error);
    this.logger.error(`Web pages cannot read our answers until their origins can be checked again. ${reason}`);
  }
}

/** Without query, repeated slashes and trailing slash. */
function pathOf(url: string): string {
  return `/${url.split('?', 1)[0]?.split('/').filter(Boolean).join('/') ?? ''}`;
}
