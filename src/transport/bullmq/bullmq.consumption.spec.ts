import { freshRedisPrefix, sharedRedisUrl } from '../../../test/support/servers.js';
import { waitUntil } from '../../../test/support/wait-until.js';
import { uuid7 } from '../../common/uuid7.js';
import type { EventBatch } from '../event-batch.js';
import type { Consumption } from '../event-transport.js';
import { BullMqTransport } from './bullmq.transport.js';

const newBatch = (type: string): EventBatch => ({ id: uuid7(), type, events: 1, rows: Buffer.from(type) });

/** Fails between the two steps of a split as often as it is told to. */
class FailingTransport extends BullMqTransport {
  failures = 0;

  protected override async add(batch: EventBatch): Promise<void> {
    if (batch.type === 'part' && this.failures-- > 0) {
      throw new Error('not now');
    }
    await super.add(batch);
  }
}

describe('BullMqConsumption', () => {
  let transport: FailingTransport;
  let consumption: Consumption | undefined;

  beforeEach(async () => {
    transport = new FailingTransport({ redisUrl: sharedRedisUrl(), prefix: freshRedisPrefix() });
    await waitUntil(() => transport.status().then(Boolean, () => false));
  });
  afterEach(async () => {
    await consumption?.close();
    await transport.close();
  });

  it('should not deliver a batch again once its parts were decided, even if they could not be published at first', async () => {
    const parts = [newBatch('part'), newBatch('part')];
    const delivered: EventBatch[] = [];
    transport.failures = 3;
    consumption = await transport.consume(
      (batch) => {
        delivered.push(batch);
        return Promise.resolve(batch.type === 'whole' ? { kind: 'split', parts } : { kind: 'stored' });
      },
      { concurrency: 4 },
    );
    await transport.publish(newBatch('whole'));
    await waitUntil(async () => delivered.length >= 3 && (await transport.status()).pending === 0);

    expect(delivered.filter(({ type }) => type === 'whole')).toHaveLength(1);
    expect(new Set(delivered.filter(({ type }) => type === 'part').map(({ id }) => id))).toEqual(
      new Set(parts.map(({ id }) => id)),
    );
  });
});
