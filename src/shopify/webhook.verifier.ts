import type { IncomingHttpHeaders } from 'node:http';
import { Injectable } from '@nestjs/common';
import { forbidden, unauthorized } from '../common/errors.js';
import { ErrorRecorder } from '../errors/error.recorder.js';
import type { ShopifySettings } from './settings/shopify-settings.js';
import { MAX_SECRETS, ShopifyAccounts } from './settings/shopify-accounts.service.js';
import { readWebhookHeaders } from './webhook.headers.js';
import { isSigned } from './webhook.signature.js';

/** A request to a tenant's webhook address, genuine or not. */
export interface WebhookRequest {
  /** As it stands in the address; anything. */
  readonly tenantId: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly requestId: string;
}

const SLUG = /^[a-z0-9-]{1,63}$/;
/** Stand in for the secrets that a tenant has not, so that a refusal takes as long whoever is asked for. */
const DECOYS: readonly string[] = Array<string>(MAX_SECRETS).fill('-'.repeat(64));

/** Tells Shopify's own webhooks from others, by their signature. */
@Injectable()
export class WebhookVerifier {
  constructor(
    private readonly accounts: ShopifyAccounts,
    private readonly errors: ErrorRecorder,
  ) {}

  /**
   * The settings of the tenant whose webhook this is.
   * @throws ApiError 401 when it is not signed with a secret of the tenant, in the same words when there is no such tenant;
   * 403 when it is, but names another shop
   */
  async verify(request: WebhookRequest): Promise<ShopifySettings> {
    const { tenantId, headers, body } = request;
    const settings = SLUG.test(tenantId) ? await this.accounts.of(tenantId) : undefined;
    const secrets = settings?.secrets ?? [];
    const signature = headers['x-shopify-hmac-sha256'];
    if (settings === undefined || !isSigned(body, signature, secrets)) {
      isSigned(body, signature, DECOYS.slice(secrets.length));
      if (settings !== undefined) {
        this.refused(
          request,
          'It was not signed with a secret of this tenant. Compare the secrets in Shopify with yours.',
        );
      }
      throw unauthorized(
        'X-Shopify-Hmac-Sha256 must be the signature of the body with a webhook secret of this tenant.',
      );
    }
    const { shopDomain } = readWebhookHeaders(headers);
    if (shopDomain !== undefined) this.checkShop(request, settings, shopDomain);
    return settings;
  }

  /**
   * @param shopDomain of the webhook; null when it makes no sense
   * @throws ApiError 403 when the tenant has another one
   */
  checkShop(request: WebhookRequest, settings: ShopifySettings, shopDomain: string | null): void {
    if (settings.shopDomain !== null && shopDomain !== settings.shopDomain) {
      this.refused(request, `It names another shop than ${settings.shopDomain}.`);
      throw forbidden('This webhook is of another shop than the tenant’s.');
    }
  }

  /**
   * For requests about personal data, whose bodies always name the shop. Without that, any signed body under a topic of theirs
   * would be one.
   * @param shopDomain that is signed; undefined when there is none
   * @throws ApiError 403 when there is none, or the tenant has another one
   */
  checkSignedShop(request: WebhookRequest, settings: ShopifySettings, shopDomain: string | undefined): void {
    if (shopDomain === undefined) {
      this.refused(request, 'Its body names no shop_domain.');
      throw forbidden('The body of this webhook must name its shop_domain.');
    }
    this.checkShop(request, settings, shopDomain);
  }

  private refused({ tenantId, requestId }: WebhookRequest, why: string): void {
    const detail = `A webhook was refused. ${why}`;
    this.errors.record({
      tenantId,
      ts: Date.now(),
      errorType: 'webhook_refused',
      source: 'shopify',
      detail,
      requestId,
    });
  }
}
