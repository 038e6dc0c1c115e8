import type { Configuration } from '../config/configuration.js';
import { BullMqTransport } from './bullmq/bullmq.transport.js';
import { pubSubSettingsOf } from './pubsub/pubsub.names.js';
import type { PubSubTransport } from './pubsub/pubsub.transport.js';
import type { EventTransport } from './event-transport.js';
import { FailoverTransport } from './failover/failover.transport.js';
import type { Spool } from './spool/spool.js';
import { SpoolTransport } from './spool/spool.transport.js';

/**
 * The transport that the settings ask for.
 * @param spool the queue itself of `TRANSPORT=spool`, otherwise what stands behind the broker, if anything does
 */
export async function createTransport(configuration: Configuration, spool: Spool | null): Promise<EventTransport> {
  const { transport, redisUrl, queuePrefix, queueMaxBatches } = configuration;
  switch (transport) {
    case 'bullmq':
      return withFailover(new BullMqTransport({ redisUrl, prefix: queuePrefix, maxBatches: queueMaxBatches }), spool);
    case 'pubsub': {
      // Google's libraries take 30 MB and a quarter of a second, which nobody else has to spend.
      const { PubSubTransport } = await import('./pubsub/pubsub.transport.js');
      return withFailover(
        new PubSubTransport({ ...pubSubSettingsOf(configuration), redisUrl, prefix: queuePrefix }),
        spool,
      );
    }
    case 'spool':
      if (spool === null) throw new TypeError('TRANSPORT=spool has no spool.');
      return new SpoolTransport(spool.store);
    default:
      return transport satisfies never;
  }
}

function withFailover(broker: BullMqTransport | PubSubTransport, spool: Spool | null): EventTransport {
  return spool === null ? broker : new FailoverTransport(broker, spool);
}
