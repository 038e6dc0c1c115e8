import { quotaMonthOf } from './budgets.js';

describe('quotaMonthOf', () => {
  it.each([
    ['2026-11-24T02:00:00.000Z', '2026-11', '2026-12-01T00:00:00.000Z'],
    ['2026-12-31T23:59:59.999Z', '2026-12', '2027-01-01T00:00:00.000Z'],
    ['2027-01-01T00:00:00.000Z', '2027-01', '2027-02-01T00:00:00.000Z'],
    ['2028-02-29T12:00:00.000Z', '2028-02', '2028-03-01T00:00:00.000Z'],
    // Still October by the clocks of Honolulu, where the caller may be: months are counted in UTC.
    ['2026-10-31T23:30:00.000-10:00', '2026-11', '2026-12-01T00:00:00.000Z'],
  ])('should put %s into %s, which ends at %s', (now, name, endsAt) => {
    expect(quotaMonthOf(new Date(now))).toEqual({ name, endsAt: new Date(endsAt) });
  });
});
