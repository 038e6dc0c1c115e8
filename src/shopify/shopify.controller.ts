import { Body, Controller, Param, Post, Req, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBody,
  ApiForbiddenResponse,
  ApiHeaders,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProperty,
  ApiSecurity,
  ApiServiceUnavailableResponse,
  ApiUnauthorizedResponse,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Accepts, EVERYBODY } from '../auth/principal.js';
import { RawBody } from '../common/body.parser.js';
import { WebhookService } from './webhook.service.js';

/** Shopify names no limit; bodies of more than 1 MB occur. */
const MAX_BODY_BYTES = 10 * 1024 * 1024;

const ORDER = {
  id: 820982911946154500,
  email: 'zoe@example.com',
  created_at: '2026-04-25T13:00:00+02:00',
  total_price: '59.90',
  currency: 'EUR',
  line_items: [],
};

class WebhookBody {
  @ApiProperty() readonly queued!: boolean;
}

/** Receives webhooks. There is no key: the signature of the body is the credential. */
@Controller('api/ingestion/shopify')
@Accepts(EVERYBODY)
export class ShopifyController {
  constructor(private readonly webhooks: WebhookService) {}

  @Post(':tenant')
  @RawBody({ maxBytes: MAX_BODY_BYTES, ofAnyType: true })
  @ApiOperation({
    summary: 'Receive a webhook of Shopify',
    description: 'Everything that Shopify may send is answered with success, or it would give up on the subscription.',
  })
  @ApiSecurity('ShopifySignature')
  @ApiParam({ name: 'tenant', description: 'The tenant’s slug.', example: 'acme' })
  @ApiHeaders([
    { name: 'X-Shopify-Topic', description: 'What happened.', example: 'orders/create', required: true },
    {
      name: 'X-Shopify-Shop-Domain',
      description: 'The shop that it happened in, such as `acme.myshopify.com`.',
      required: false,
    },
    {
      name: 'X-Shopify-Webhook-Id',
      description: 'A UUID, the same when a delivery is repeated.',
      required: false,
    },
  ])
  @ApiBody({
    schema: { type: 'object', additionalProperties: true, description: 'The webhook as Shopify sends it.' },
    examples: { 'an order': { value: ORDER } },
  })
  @ApiAcceptedResponse({ description: 'What it tells of is on disk.', type: WebhookBody })
  @ApiOkResponse({ description: 'It tells of nothing that is stored.', type: WebhookBody })
  @ApiUnauthorizedResponse({ description: 'It is not signed with a webhook secret of the tenant.' })
  @ApiForbiddenResponse({ description: 'It is of another shop than the tenant’s.' })
  @ApiServiceUnavailableResponse({ description: 'It cannot be queued now. Shopify sends it again.' })
  async receive(
    @Param('tenant') tenantId: string,
    @Req() { raw, id: requestId }: FastifyRequest,
    @Body() body: Buffer = Buffer.alloc(0),
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<WebhookBody> {
    const answer = await this.webhooks.receive({ tenantId, headers: raw.headers, body, requestId });
    void reply.status(answer.queued ? 202 : 200);
    return answer;
  }
}
