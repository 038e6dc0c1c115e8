import { newRow, rowsOf, SeenRows } from '../../../test/contract/combining.contract.js';
import { freshRedisPrefix, sharedRedisUrl } from '../../../test/support/servers.js';
import { waitUntil } from '../../../test/support/wait-until.js';
import { uuid7 } from '../../common/uuid7.js';
import type { EventBatch } from '../event-batch.js';
import type { Consumption, PublishOptions } from '../event-transport.js';
import { BullMqTransport } from './bullmq.transport.js';

const newBatch = (type: string): EventBatch => ({ id: uuid7(), type, events: 1, rows: Buffer.from(type) });

/** Fails between the two steps of a split as often as it is told to. */
class FailingTransport extends BullMqTransport {
  failures = 0;

  protected override async add(batch: EventBatch, options?: PublishOptions): Promise<void> {
    if (batch.type === 'part' && this.failures-- > 0) {
      throw new Error('not now');
    }
    await super.add(batch, options);
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

  it('should not deliver the second copy of a batch that was combined, but that of any other', async () => {
    const batches = Array.from({ length: 40 }, () => newRow());
    const seen = new SeenRows();
    consumption = await transport.consume(
      (batch) => {
        seen.see(batch);
        return Promise.resolve({ kind: 'stored' });
      },
      { concurrency: 64, combinable: new Set(['events.v1']) },
    );
    const isEmpty = async () => (await transport.status()).pending === 0;
    await Promise.all(batches.map((batch) => transport.publish(batch)));
    await waitUntil(isEmpty);
    // As from a spool, to which the broker's answer came too late.
    const unknown = newRow();
    await Promise.all([...batches, unknown].map((batch) => transport.publish(batch, { isRepeated: true })));
    await waitUntil(isEmpty);

    expect(seen.inSeveralBatches).toEqual([]);
    expect([...seen.idsByRow.keys()].sort()).toEqual([...batches, unknown].flatMap(rowsOf).sort());
    expect(seen.idsByRow.get(rowsOf(unknown)[0]!)).toEqual(new Set([unknown.id]));
  });
});
