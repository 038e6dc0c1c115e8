import { setImmediate } from 'node:timers/promises';
import { Turns } from './login.throttle.js';

const SAME = { key: 'key', group: 'group' };

describe('Turns', () => {
  const turns = new Turns(3, () => new Error('full'));
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
    const results = await Promise.all(['a', 'b', 'c'].map((name) => turns.take(SAME, work(name))));
    expect(results).toEqual(['a', 'b', 'c']);
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });

  it('should let work of different keys go on together', async () => {
    await Promise.all(['a', 'b'].map((name) => turns.take({ key: name, group: 'group' }, work(name))));
    expect(log).toEqual(['a begins', 'b begins', 'a ends', 'b ends']);
  });

  it('should go on after work that failed', async () => {
    const failing = turns.take(SAME, () => Promise.reject(new Error('no luck')));
    const following = turns.take(SAME, work('a'));
    await expect(failing).rejects.toThrow('no luck');
    expect(await following).toBe('a');
  });

  it('should take no more of a group than it may have at once, and more when some has ended', async () => {
    const taken = ['a', 'b', 'c'].map((name) => turns.take({ key: name, group: 'group' }, work(name)));
    await expect(turns.take({ key: 'd', group: 'group' }, work('d'))).rejects.toThrow('full');
    expect(await turns.take({ key: 'd', group: 'another' }, work('e'))).toBe('e');
    await Promise.all(taken);
    expect(await turns.take(SAME, work('d'))).toBe('d');
    expect(log.filter((line) => line.startsWith('d'))).toEqual(['d begins', 'd ends']);
  });
});
