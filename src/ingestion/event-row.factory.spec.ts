import { Logger } from '@nestjs/common';
import { ReceiptClock } from './event-row.factory.js';

describe('ReceiptClock', () => {
  let now: number;
  let clock: ReceiptClock;
  let warnings: jest.SpyInstance;

  beforeEach(() => {
    now = 1_000_000_000_000;
    clock = new ReceiptClock(() => now);
    warnings = jest.spyOn(Logger.prototype, 'warn').mockImplementation();
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('should give no two events the same time', () => {
    expect([clock.next(), clock.next()]).toEqual([now * 1000, now * 1000 + 1]);
  });

  it('should not run back when the clock is set back a little', () => {
    const before = clock.next();
    now -= 30_000;
    expect(clock.next()).toBe(before + 1);
    expect(warnings).not.toHaveBeenCalled();
  });

  it('should follow a clock that is set back by more than a minute, and say so once', () => {
    clock.next();
    now -= 3_600_000;
    expect([clock.next(), clock.next()]).toEqual([now * 1000, now * 1000 + 1]);
    expect(warnings).toHaveBeenCalledTimes(1);
    expect(warnings).toHaveBeenCalledWith(expect.stringContaining('set back by 3600 s'));
  });
});
