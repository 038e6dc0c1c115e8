import { Configuration } from '../config/configuration.js';
import { drawSeed } from '../idempotency/seed.js';
import { encodedEvents } from '../warehouse/event-row.reader.js';
import { EventAdmission } from './event.admission.js';
import { EventRowFactory, ReceiptClock } from './event-row.factory.js';
import { EventValidator } from './event.validator.js';
import type { Sender } from './sender.js';
import { readEvents } from './track-body.js';

const SENDER: Sender = {
  tenantId: 'acme',
  spender: { tenantId: 'acme' },
  caller: { apiKeyId: 'key', sessionId: undefined },
  requestId: 'r-1',
  source: 'batch',
  uid: undefined,
};

const AT = ',"occurred_at":"2026-04-25T13:00:00Z"';

describe('EventAdmission', () => {
  const recorded: unknown[] = [];
  const counted: unknown[][] = [];
  let admission: EventAdmission;

  beforeEach(() => {
    recorded.length = 0;
    counted.length = 0;
    admission = new EventAdmission(
      new EventValidator(new Configuration()),
      { of: () => Promise.resolve(new Map()) } as never,
      new EventRowFactory(new ReceiptClock()),
      { record: (error: unknown) => recorded.push(error) } as never,
      { received: (...count: unknown[]) => counted.push(count) } as never,
    );
  });

  const admit = (body: string) =>
    admission.admit(SENDER, drawSeed(), (sink) => {
      readEvents(Buffer.from(body), 500, sink);
    });
  const usersIn = (rows: Buffer) => encodedEvents(rows)?.map(({ userId }) => userId);
  const event = (userId: string, more = '') => `{"user_id":"${userId}","event_type":"page_viewed"${more}}`;

  it('should make rows of the valid events, and tell of the others where they stood', async () => {
    const { rows, refused } = await admit(
      `{"events":[${event('a')},7,${event('b', ',"event_id":"e"')},{"user_id":"c"},${event('d')}]}`,
    );
    expect(rows.events).toBe(3);
    expect(usersIn(rows.bytes)).toEqual(['a', 'b', 'd']);
    expect(refused.map(({ index }) => index)).toEqual([1, 3]);
    expect(recorded).toMatchObject([{ userId: undefined }, { userId: 'c', errorType: 'validation_failed' }]);
    expect(counted).toEqual([['batch', 'skipped', 2]]);
  });

  it('should forget the events of a list when its key comes again', async () => {
    const { rows, refused } = await admit(`{"events":[${event('a')},7],"events":[8,${event('b')}]}`);
    expect(usersIn(rows.bytes)).toEqual(['b']);
    expect(rows.events).toBe(1);
    expect(refused.map(({ index }) => index)).toEqual([0]);
    expect(recorded).toHaveLength(1);
  });

  it('should leave nothing of a request that turns out to be no JSON, neither rows nor errors', async () => {
    await expect(admit(`{"events":[${event('a')},7,`)).rejects.toMatchObject({ status: 400 });
    expect(recorded).toEqual([]);
    const { rows } = await admit(`{"events":[${event('b')}]}`);
    expect(usersIn(rows.bytes)).toEqual(['b']);
  });

  it('should keep the rows of requests apart that are admitted at the same time', async () => {
    const admissions = await Promise.all(['a', 'b', 'c'].map((user) => admit(`{"events":[${event(user)}]}`)));
    expect(admissions.map(({ rows }) => usersIn(rows.bytes))).toEqual([['a'], ['b'], ['c']]);
  });

  it.each([
    ['all say when they occurred', [AT, AT], true],
    ['one is known by its event_id, and both have a time', [AT, `${AT},"event_id":"e"`], true],
    ['all have an event_id', [`${AT},"event_id":"e"`], false],
    ['one does not say when it occurred', [AT, ''], false],
    ['one says so with null', [AT, ',"occurred_at":null'], false],
  ])('should tell whether the retry of its events can be recognised: %s', async (_, events, isRecognisable) => {
    const list = events.map((more) => event('a', more)).join(',');
    expect(await admit(`{"events":[${list},7]}`)).toMatchObject({ isRecognisable });
  });
});
