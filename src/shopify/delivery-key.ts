import { createHash } from 'node:crypto';

/**
 * By what a delivery is recognised when Shopify repeats it; at most 128 characters.
 *
 * `X-Shopify-Event-Id` would not do: the topics of one action share it, and all but one of their events would be lost. Without
 * the webhook's id, equal bytes under an equal topic are one delivery.
 * @param webhookId `X-Shopify-Webhook-Id`
 */
export function deliveryKeyOf(webhookId: string | null | undefined, topic: string, body: Uint8Array): string {
  if (typeof webhookId === 'string') {
    return `webhook:${webhookId}`;
  }
  // NUL divides the parts: no topic has one.
  return `body:${createHash('sha256').update(topic).update('\0').update(body).digest('hex')}`;
}
