import { SplitAllowance } from './split.allowance.js';

describe('SplitAllowance', () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  it('should end at 600 splits, and begin anew a minute later', () => {
    jest.useFakeTimers({ now: 0 });
    const allowance = new SplitAllowance();
    const taken = () => Array.from({ length: 1_000 }, () => allowance.take()).filter(Boolean).length;

    expect(taken()).toBe(600);
    jest.advanceTimersByTime(59_999);
    expect(taken()).toBe(0);
    jest.advanceTimersByTime(1);
    expect(taken()).toBe(600);
  });
});
