import { EventEmitter } from 'node:events';
import { NOTE_LIFE_MS, OLD_NOTE_MS } from '../transport/retry-notes.js';
import { type Answer, Attempt } from './attempt.js';
import { InFlightAttempts } from './in-flight.attempts.js';

const attempt = (body = 'x', answer: object = {}) =>
  new Attempt(
    {
      ...{ tenantId: 't', caller: { apiKeyId: 'secret', sessionId: undefined }, route: 'track', uid: undefined },
      body: Buffer.from(body),
    },
    Object.assign(new EventEmitter(), answer) as unknown as Answer,
  );

describe('InFlightAttempts', () => {
  let now: number;
  let attempts: InFlightAttempts;
  const { fingerprint } = attempt();

  beforeEach(() => {
    now = 0;
    attempts = new InFlightAttempts(() => now);
  });

  const served = (one = attempt()): Attempt => {
    attempts.add(one);
    return one;
  };
  const broken = (one = attempt()): Attempt => {
    attempts.broke(served(one));
    return one;
  };

  it('should give nothing of a request that is being served, until its client would ask again', () => {
    const one = served();
    now = OLD_NOTE_MS;
    expect(attempts.take(fingerprint)).toBeUndefined();
    now += 1;
    expect(attempts.take(fingerprint)).toBe(one);
    expect(attempts.take(fingerprint)).toBeUndefined();
  });

  it('should give what broke off at once, each once, the oldest first', () => {
    const all = [broken(), broken()];
    expect([1, 2, 3].map(() => attempts.take(fingerprint))).toEqual([...all, undefined]);
  });

  it('should give an attempt whose connection is known to have ended', () => {
    const one = served(attempt('x', { destroyed: true, writableFinished: false }));
    expect(attempts.take(fingerprint)).toBe(one);
  });

  it('should forget what was answered', () => {
    const [one, other] = [served(), served()];
    attempts.answered(one);
    now = OLD_NOTE_MS + 1;
    expect([attempts.take(fingerprint), attempts.take(fingerprint)]).toEqual([other, undefined]);
  });

  it('should keep requests apart', () => {
    broken(attempt('y'));
    expect(attempts.take(fingerprint)).toBeUndefined();
  });

  it('should keep what broke for two minutes', () => {
    const one = broken();
    now = NOTE_LIFE_MS;
    expect(attempts.take(fingerprint)).toBe(one);
    broken();
    now += NOTE_LIFE_MS + 1;
    expect(attempts.take(fingerprint)).toBeUndefined();
  });

  it('should keep no more than 50,000 that broke, the newest of them', () => {
    const all = Array.from({ length: 50_001 }, (_, i) => broken(attempt(String(i))));
    expect(attempts.take(all[0]!.fingerprint)).toBeUndefined();
    expect(attempts.take(all[1]!.fingerprint)).toBe(all[1]);
    expect(attempts.take(all.at(-1)!.fingerprint)).toBe(all.at(-1));
  });
});
