import { limitsOf } from './plan-limits.js';

describe('limitsOf', () => {
  it.each([
    ['free', 60, 500_000],
    ['starter', 300, 5_000_000],
    ['business', 1_000, 50_000_000],
    ['enterprise', undefined, undefined],
  ] as const)(
    'should give the plan %s %p calls a minute and %p events a month',
    (plan, callsPerMinute, eventsPerMonth) => {
      expect(limitsOf({ plan, callsPerMinute: null, eventsPerMonth: null })).toEqual({
        callsPerMinute,
        eventsPerMonth,
      });
    },
  );

  it.each(['free', 'enterprise'] as const)('should put what was agreed before what the plan %s says', (plan) => {
    expect(limitsOf({ plan, callsPerMinute: 7, eventsPerMonth: 8 })).toEqual({ callsPerMinute: 7, eventsPerMonth: 8 });
  });

  it('should leave to the plan what was not agreed', () => {
    expect(limitsOf({ plan: 'free', callsPerMinute: 7, eventsPerMonth: null })).toEqual({
      callsPerMinute: 7,
      eventsPerMonth: 500_000,
    });
  });
});
