import { EventEmitter } from 'node:events';
import { type Answer, Attempt } from './attempt.js';
import { type Caller, MAX_BROKEN, NOTE_LIFE_MS } from './idempotency.store.js';
import { UnansweredAttempts } from './unanswered.attempts.js';

const answer = () => new EventEmitter() as unknown as Answer;
const SERVER: Caller = { apiKeyId: 'secret', sessionId: undefined };
const attempt = (tenantId = 't', body = 'x', caller = SERVER) =>
  new Attempt({ tenantId, caller, route: 'track', uid: undefined, body: Buffer.from(body) }, answer());

describe('UnansweredAttempts', () => {
  let now: number;
  let attempts: UnansweredAttempts;

  beforeEach(() => {
    now = 0;
    attempts = new UnansweredAttempts(() => now);
  });

  const breaks = (broken: Attempt): void => {
    attempts.open(broken);
    attempts.break(broken);
  };

  it('should keep what is being served until it is answered', () => {
    const [first, second] = [attempt(), attempt()];
    attempts.open(first);
    attempts.open(second);
    expect(attempts.notesOf(first.fingerprint)).toEqual([first.note, second.note]);
    attempts.forget(first);
    expect(attempts.notesOf(first.fingerprint)).toEqual([second.note]);
  });

  it('should keep what broke for two minutes', () => {
    const broken = attempt();
    breaks(broken);
    now = NOTE_LIFE_MS;
    expect(attempts.brokenOf(broken.fingerprint)).toMatchObject([{ ...broken.note, told: 'nothing' }]);
    now = NOTE_LIFE_MS + 1;
    expect(attempts.brokenOf(broken.fingerprint)).toEqual([]);
  });

  it('should break an attempt once', () => {
    const broken = attempt();
    attempts.open(broken);
    expect([attempts.break(broken), attempts.break(broken)]).toEqual([expect.objectContaining(broken.note), undefined]);
    expect(attempts.brokenOf(broken.fingerprint)).toHaveLength(1);
  });

  it('should learn that a broken attempt is durable, and of no other', () => {
    const broken = attempt();
    breaks(broken);
    expect(attempts.becomeDurable(attempt())).toBeUndefined();
    expect(attempts.becomeDurable(broken)).toMatchObject({ durable: true });
    expect(attempts.brokenOf(broken.fingerprint)).toMatchObject([{ durable: true }]);
  });

  it('should keep no more of a tenant than it may, and go on for others', () => {
    const all = Array.from({ length: MAX_BROKEN.tenant + 1 }, (_, i) => attempt('t', String(i)));
    all.forEach(breaks);
    expect(attempts.brokenOf(all[0]!.fingerprint)).toHaveLength(1);
    expect(attempts.brokenOf(all.at(-1)!.fingerprint)).toEqual([]);
    const other = attempt('other');
    breaks(other);
    expect(attempts.brokenOf(other.fingerprint)).toHaveLength(1);
    attempts.drop(all[0]!.fingerprint, all[0]!.note.seed);
    breaks(all.at(-1)!);
    expect(attempts.brokenOf(all.at(-1)!.fingerprint)).toHaveLength(1);
  });

  it('should keep no more in all than it may, and drop the oldest', () => {
    const all = Array.from({ length: MAX_BROKEN.total + 1 }, (_, i) => attempt(`t${i % 100}`, String(i)));
    all.forEach(breaks);
    expect(attempts.brokenOf(all[0]!.fingerprint)).toEqual([]);
    expect(attempts.brokenOf(all[1]!.fingerprint)).toHaveLength(1);
    expect(attempts.brokenOf(all.at(-1)!.fingerprint)).toHaveLength(1);
  });

  it('should leave room for the tenant’s servers beside a public key, and for others beside a session', () => {
    const kept = (count: number, session: (i: number) => string, apiKeyId = 'public') => {
      let sum = 0;
      for (let i = 0; i < count; i++) {
        const broken = attempt('t', `${apiKeyId} ${session(i)} ${i}`, { apiKeyId, sessionId: session(i) });
        attempts.open(broken);
        if (attempts.break(broken) !== undefined) sum++;
      }
      return sum;
    };
    expect(kept(MAX_BROKEN.session + 50, () => 'one')).toBe(MAX_BROKEN.session);
    expect(kept(1, () => 'two')).toBe(1);
    expect(kept(MAX_BROKEN.publicKey, (i) => `of many ${i}`)).toBe(MAX_BROKEN.publicKey - MAX_BROKEN.session - 1);
    expect(kept(1, () => 'three', 'another public key')).toBe(1);
    const ofServer = attempt();
    attempts.open(ofServer);
    expect(attempts.break(ofServer)).toBeDefined();
    now = NOTE_LIFE_MS + 1;
    expect(attempts.brokenOf(ofServer.fingerprint)).toEqual([]);
    expect(kept(1, () => 'one')).toBe(1);
  });
});

describe('an attempt', () => {
  it('should have the same fingerprint as another of the same tenant, route, user and bytes, and no other', () => {
    const of = (changes: object) =>
      new Attempt(
        { tenantId: 't', caller: SERVER, route: 'track', uid: 'u', body: Buffer.from('x'), ...changes },
        answer(),
      ).fingerprint;
    const others = [
      { tenantId: 't2' },
      { route: 'batch' },
      { uid: 'u2' },
      { uid: undefined },
      { body: Buffer.from('y') },
      { body: undefined },
    ];
    expect(of({})).toBe(of({}));
    expect(new Set([{}, ...others].map(of)).size).toBe(others.length + 1);
  });

  it('should be answered when its answer went out whole, and with less than 500', () => {
    for (const [writableFinished, statusCode, expected] of [
      [true, 202, true],
      [true, 429, true],
      [true, 503, false],
      [false, 202, false],
    ] as const) {
      const raw = Object.assign(new EventEmitter(), { writableFinished, statusCode, closed: false });
      const ended = jest.fn();
      new Attempt(
        { tenantId: 't', caller: SERVER, route: 'track', uid: undefined, body: undefined },
        raw as unknown as Answer,
      ).whenEnded(ended);
      expect(ended).not.toHaveBeenCalled();
      raw.emit('close');
      expect(ended.mock.calls).toEqual([[expected]]);
    }
  });
});
