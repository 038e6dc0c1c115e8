import { Injectable } from '@nestjs/common';
import { type ApiError, badRequest, unsupportedMediaType } from '../common/errors.js';
import { ErrorRecorder } from '../errors/error.recorder.js';
import type { ErrorType } from '../errors/recorded-error.js';
import { scopeOf } from './compliance.js';
import { ComplianceService } from './compliance.service.js';
import { readWebhook } from './webhook.reader.js';
import { WebhookEvents } from './webhook.events.js';
import { readWebhookHeaders } from './webhook.headers.js';
import { type WebhookRequest, WebhookVerifier } from './webhook.verifier.js';

const NOTHING_REMOVED =
  'shop/redact removed nothing, as the tenant has no shop_domain and its events may be of other shops. Remove the shop’s yourself.';

export interface WebhookAnswer {
  readonly queued: boolean;
}

/** Receives webhooks. Everything that Shopify may send is answered with success, or it would cancel the subscription. */
@Injectable()
export class WebhookService {
  constructor(
    private readonly verifier: WebhookVerifier,
    private readonly events: WebhookEvents,
    private readonly compliance: ComplianceService,
    private readonly errors: ErrorRecorder,
  ) {}

  /**
   * Returns when the event or request of the webhook is on disk, if it has one.
   * @throws ApiError 400 when it cannot be read, 415 when it is not JSON, 401 or 403 when it is not genuine, 503 when it cannot
   * be queued
   */
  async receive(request: WebhookRequest): Promise<WebhookAnswer> {
    const settings = await this.verifier.verify(request);
    const { tenantId, body } = request;
    const hasShop = settings.shopDomain !== null;
    const reading = readWebhook({ headers: readWebhookHeaders(request.headers), body, receivedAt: Date.now() });
    switch (reading.kind) {
      case 'event': {
        const outcome = await this.events.accept(tenantId, reading);
        if (!outcome.stored) this.record(request, outcome.errorType, outcome.detail, reading);
        return { queued: outcome.stored };
      }
      case 'compliance':
        this.verifier.checkSignedShop(request, settings, reading.request.shopDomain);
        await this.compliance.accept(tenantId, reading.request, reading.deliveryKey, scopeOf(reading.request, hasShop));
        if (reading.request.topic === 'shop/redact' && !hasShop)
          this.record(request, 'webhook_refused', NOTHING_REMOVED);
        return { queued: true };
      case 'unidentified':
        this.record(request, 'webhook_refused', 'It names no customer, cart or checkout.', reading);
        return { queued: false };
      case 'unmapped':
        this.record(request, 'webhook_unmapped', `No event is mapped to the topic ${reading.topic}.`, reading);
        return { queued: false };
      case 'malformed':
        throw this.rejectionOf(request, reading.detail);
      default:
        return reading satisfies never;
    }
  }

  /** A webhook that is not JSON is XML most likely, which its set-up in Shopify decides. */
  private rejectionOf(request: WebhookRequest, detail: string): ApiError {
    const isJson = /^application\/json\b/i.test(request.headers['content-type'] ?? '');
    const why = isJson ? detail : `${detail} Its type is not JSON: choose the format JSON for this webhook in Shopify.`;
    this.record(request, 'webhook_refused', why);
    return isJson ? badRequest(why) : unsupportedMediaType(why);
  }

  private record(
    { tenantId, requestId }: WebhookRequest,
    errorType: ErrorType,
    why: string,
    about?: { readonly eventType?: string; readonly userId?: string; readonly topic?: string },
  ): void {
    const detail = `A webhook was not stored. ${why}`;
    this.errors.record({ tenantId, ts: Date.now(), errorType, source: 'shopify', detail, requestId, ...about });
  }
}
