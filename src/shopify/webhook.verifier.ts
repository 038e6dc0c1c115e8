import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { type ApiError, forbidden, unauthorized } from '../common/errors.js';
import { ErrorRecorder } from '../errors/error.recorder.js';
import { ShopifyAccounts, type ShopifySettings } from './settings/shopify-accounts.service.js';
import { readWebhookHeaders } from './webhook.headers.js';

/** A request to a tenant's webhook address, genuine or not. */
export interface WebhookRequest {
  /** From the address; anything. */
  readonly tenantId: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly requestId: string;
}

const WEBHOOK_ROUTE = '/api/ingestion/shopify/:tenant';
const SIGNATURE = 'x-shopify-hmac-sha256';
const UNSIGNED = 'X-Shopify-Hmac-Sha256 must be the signature of the body with a webhook secret of this tenant.';
const SLUG = /^[a-z0-9-]{1,63}$/;

/** Checks that webhooks come from Shopify, by their signature. */
@Injectable()
export class WebhookVerifier implements OnModuleInit {
  constructor(
    private readonly accounts: ShopifyAccounts,
    private readonly errors: ErrorRecorder,
    private readonly host: HttpAdapterHost<FastifyAdapter>,
  ) {}

  /** Rejects before the body is read what no body could make genuine. */
  onModuleInit(): void {
    this.host.httpAdapter.getInstance().addHook('preParsing', (request, _reply, _payload, done) => {
      if (request.routeOptions.url !== WEBHOOK_ROUTE) {
        done();
        return;
      }
      const { tenant } = request.params as { readonly tenant: string };
      this.settingsFor({ tenantId: tenant, headers: request.headers, requestId: request.id }).then(() => done(), done);
    });
  }

  /**
   * @returns the settings of the tenant
   * @throws ApiError 401 when it is not signed with a secret of the tenant, in the same words when there is no such tenant;
   * 403 when it is, but names another shop
   */
  async verify(request: WebhookRequest): Promise<ShopifySettings> {
    const { headers, body } = request;
    const settings = await this.settingsFor(request);
    if (!isSigned(body, headers[SIGNATURE], settings.secrets)) throw this.unsigned(request);
    const { shopDomain } = readWebhookHeaders(headers);
    if (shopDomain !== undefined) this.checkShop(request, settings, shopDomain);
    return settings;
  }

  /**
   * @param shopDomain of the webhook; null when it is malformed
   * @throws ApiError 403 when the tenant has another one
   */
  private checkShop(request: WebhookRequest, settings: ShopifySettings, shopDomain: string | null): void {
    if (settings.shopDomain !== null && shopDomain !== settings.shopDomain) {
      this.record(request, `It names another shop than ${settings.shopDomain}.`);
      throw forbidden('This webhook is of another shop than the tenant’s.');
    }
  }

  /**
   * For requests about personal data, whose bodies always name the shop. Otherwise any signed body would do under their topics.
   * @param shopDomain from the body
   * @throws ApiError 403 when there is none, or the tenant has another one
   */
  checkSignedShop(request: WebhookRequest, settings: ShopifySettings, shopDomain: string | undefined): void {
    if (shopDomain === undefined) {
      this.record(request, 'Its body names no shop_domain.');
      throw forbidden('The body of this webhook must name its shop_domain.');
    }
    this.checkShop(request, settings, shopDomain);
  }

  /**
   * The settings for verifying a webhook, before its body is read.
   * @throws ApiError 401 when there are none, or it has no signature. The timing tells whether a tenant exists; a slug is no
   * secret, and reading and hashing unsigned bodies would cost more.
   */
  private async settingsFor(request: Omit<WebhookRequest, 'body'>): Promise<ShopifySettings> {
    const { tenantId, headers } = request;
    const settings = SLUG.test(tenantId) ? await this.accounts.of(tenantId) : undefined;
    if (settings === undefined) throw unauthorized(UNSIGNED);
    if (settings.secrets.length === 0 || readSignature(headers[SIGNATURE]) === undefined) throw this.unsigned(request);
    return settings;
  }

  private unsigned(request: Omit<WebhookRequest, 'body'>): ApiError {
    this.record(request, 'It was not signed with a secret of this tenant. Compare the secrets in Shopify with yours.');
    return unauthorized(UNSIGNED);
  }

  private record({ tenantId, requestId }: Omit<WebhookRequest, 'body'>, why: string): void {
    const detail = `A webhook was rejected. ${why}`;
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

/** SHA-256 has 32 bytes, which are 43 characters of base64 and one of padding. */
const FORM = /^[A-Za-z0-9+/]{43}=$/;

/**
 * Whether a webhook is signed with any of the secrets: base64 of HMAC-SHA256 over the bytes of the body, keyed with the secret's
 * UTF-8 text. Every secret is tried, so that the timing does not tell which one matched.
 * @param body the bytes as received; JSON that was parsed and written again has another signature
 * @param header `X-Shopify-Hmac-Sha256`; false when it is absent, repeated, or malformed
 * @param secrets in plain text; empty ones are skipped, because anybody can sign with them
 */
export function isSigned(body: Uint8Array, header: string | string[] | undefined, secrets: readonly string[]): boolean {
  const sent = readSignature(header);
  if (sent === undefined) return false;
  let isGenuine = false;
  for (const secret of secrets) {
    if (secret === '') continue;
    const matches = timingSafeEqual(sent, createHmac('sha256', secret).update(body).digest());
    isGenuine ||= matches;
  }
  return isGenuine;
}

/** The bytes of a signature; undefined when the header is absent, repeated, or malformed. */
function readSignature(header: string | string[] | undefined): Buffer | undefined {
  // Node joins the values of a repeated header with ", ", which the form excludes.
  if (typeof header !== 'string' || !FORM.test(header)) return undefined;
  const sent = Buffer.from(header, 'base64');
  // The last character before the padding carries two bits that decoding drops: four texts would be one signature.
  return sent.toString('base64') === header ? sent : undefined;
}
