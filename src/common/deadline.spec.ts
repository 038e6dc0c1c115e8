import { getEventListeners } from 'node:events';
import { untilAborted } from './deadline.js';

describe('untilAborted', () => {
  const never = new Promise<never>(() => undefined);

  it('should give the work’s result or failure', async () => {
    const { signal } = new AbortController();
    expect(await untilAborted(Promise.resolve('done'), signal)).toBe('done');
    await expect(untilAborted(Promise.reject(new Error('failed')), signal)).rejects.toThrow('failed');
  });

  it('should give the reason as soon as the signal is aborted, and when it was aborted before', async () => {
    const controller = new AbortController();
    const outcome = expect(untilAborted(never, controller.signal)).rejects.toThrow('enough');
    controller.abort(new Error('enough'));
    await outcome;
    await expect(untilAborted(never, controller.signal)).rejects.toThrow('enough');
  });

  it('should leave nothing on the signal', async () => {
    const { signal } = new AbortController();
    await untilAborted(Promise.resolve(), signal);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});
