import { Body, Controller, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Accepts, EVERYBODY } from '../auth/principal.js';
import { RawBody } from '../common/body.parser.js';
import { shopifyDocs } from './shopify.docs.js';
import { type WebhookAnswer, WebhookService } from './webhook.service.js';

/** Shopify names no limit; bodies of more than 1 MB occur. */
const MAX_BODY_BYTES = 10 * 1024 * 1024;

/** Receives webhooks. There is no key: the signature of the body is the credential. */
@Controller('api/ingestion/shopify')
@Accepts(EVERYBODY)
export class ShopifyController {
  constructor(private readonly webhooks: WebhookService) {}

  @Post(':tenant')
  @RawBody({ maxBytes: MAX_BODY_BYTES, ofAnyType: true })
  @shopifyDocs.receive
  async receive(
    @Param('tenant') tenantId: string,
    @Req() { raw, id: requestId }: FastifyRequest,
    @Body() body: Buffer = Buffer.alloc(0),
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<WebhookAnswer> {
    const answer = await this.webhooks.receive({ tenantId, headers: raw.headers, body, requestId });
    void reply.status(answer.queued ? 202 : 200);
    return answer;
  }
}
