import { setImmediate } from 'node:timers/promises';
import { Turns } from './turns.js';

describe('Turns', () => {
  const turns = new Turns();
  let log: string[];
  const work = (name: string) => async (): Promise<string> => {
    log.push(`${name} begins`);
    await setImmediate();
    log.push(`${name} ends`);
    return name;
  };

  beforeEach(() => {
    log = [];
  });

  it('should run work of one key in the order in which it came', async () => {
    const results = await Promise.all(['a', 'b', 'c'].map((name) => turns.take('key', work(name))));
    expect(results).toEqual(['a', 'b', 'c']);
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });

  it('should let work of different keys go on together', async () => {
    await Promise.all(['a', 'b'].map((name) => turns.take(name, work(name))));
    expect(log).toEqual(['a begins', 'b begins', 'a ends', 'b ends']);
  });

  it('should go on after work that failed', async () => {
    const failing = turns.take('key', () => Promise.reject(new Error('no luck')));
    const following = turns.take('key', work('a'));
    await expect(failing).rejects.toThrow('no luck');
    expect(await following).toBe('a');
  });
});
