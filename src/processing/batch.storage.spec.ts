import { Logger } from '@nestjs/common';
import { uuid7 } from '../common/uuid7.js';
import { BatchStorage } from './batch.storage.js';

const batch = () => ({ id: uuid7(), rows: Buffer.alloc(1) });

describe('BatchStorage', () => {
  let now: number;
  let answer: (id: string) => Promise<void>;
  let storage: BatchStorage;
  let lines: string[];

  beforeEach(() => {
    now = 0;
    lines = [];
    const log = (line: string) => lines.push(line);
    jest.spyOn(Logger.prototype, 'error').mockImplementation(log);
    jest.spyOn(Logger.prototype, 'log').mockImplementation(log);
    storage = new BatchStorage(
      { store: ({ id }) => answer(id) },
      { what: 'Events', maxWaiting: Infinity, now: () => now },
    );
  });
  afterEach(() => {
    storage.stopWaiting(0);
    jest.restoreAllMocks();
  });

  it('should try a batch again here while ClickHouse stores none, and hand it back after a minute', async () => {
    let attempts = 0;
    answer = () => {
      attempts++;
      if (attempts === 3) now = 60_001;
      return Promise.reject(new Error('away'));
    };
    await expect(storage.store(batch())).rejects.toThrow('away');
    expect(attempts).toBe(3);
  });

  it('should hand a batch back that fails while others are stored', async () => {
    const bad = batch();
    let attempts = 0;
    answer = (id) => {
      if (id !== bad.id) return Promise.resolve();
      attempts++;
      return Promise.reject(new Error('TYPE_MISMATCH (53)'));
    };
    const outcome = storage.store(bad).catch((error: unknown) => String(error));
    await storage.store(batch());
    expect(await outcome).toContain('TYPE_MISMATCH');
    expect(attempts).toBeLessThanOrEqual(2);
  });

  it('should tell each cause of an outage once, and of outages that come and go once a minute', async () => {
    const causes = ['away', 'away', 'full', 'away', undefined];
    const outage = async (): Promise<void> => {
      const left = [...causes];
      answer = () => {
        const cause = left.shift();
        return cause === undefined ? Promise.resolve() : Promise.reject(new Error(cause));
      };
      await storage.store(batch());
    };
    await outage();
    const told = [
      expect.stringMatching(/wait.*away$/),
      expect.stringMatching(/wait.*full$/),
      expect.stringMatching(/again/),
    ];
    expect(lines).toEqual(told);
    await outage();
    expect(lines).toEqual(told);
    now += 60_001;
    answer = () => Promise.resolve();
    await outage();
    await outage();
    expect(lines.length).toBeGreaterThan(told.length);
    expect(lines.length).toBeLessThanOrEqual(2 * told.length);
  });
});
