import { Logger } from '@nestjs/common';
import { TransportUnavailableError } from '../event-transport.js';
import { SpoolCapacity } from './spool.capacity.js';

const PAGE = 4096;

describe('SpoolCapacity', () => {
  let free: number;
  let capacity: SpoolCapacity;
  let lines: string[];

  beforeEach(() => {
    free = 100 * PAGE;
    lines = [];
    for (const level of ['log', 'error'] as const) {
      jest.spyOn(Logger.prototype, level).mockImplementation((...line: unknown[]) => {
        lines.push(String(line[0]));
      });
    }
    capacity = new SpoolCapacity({ maxBytes: 50 * PAGE, minFreeBytes: 10 * PAGE }, () => free, 0);
  });
  afterEach(() => {
    capacity.close();
    jest.restoreAllMocks();
  });

  it('should tell how much may still come, by its limit and by its disk', () => {
    expect(capacity.freeBytes).toBe(50 * PAGE);
    capacity.claim(PAGE);
    expect(capacity.freeBytes).toBe(49 * PAGE);
    free = 12 * PAGE;
    expect(capacity.freeBytes).toBe(2 * PAGE);
    free = 5 * PAGE;
    expect(capacity.freeBytes).toBe(0);
  });

  it('should say once that its disk is full, before anything is spooled, and once that it is not any more', () => {
    free = 10 * PAGE;
    expect(capacity.isFull).toBe(true);
    for (let i = 0; i < 3; i++)
      expect(() => {
        capacity.claim(PAGE);
      }).toThrow(TransportUnavailableError);
    free = 100 * PAGE;
    expect(capacity.isFull).toBe(false);
    capacity.claim(PAGE);
    expect(lines).toEqual([
      expect.stringMatching(/takes no more batches.*disk has less than 40960 bytes left\. Make room/),
      expect.stringContaining('takes batches again'),
    ]);
  });

  it('should name its own limit where that is what was reached, and not change its mind with every size', () => {
    capacity.occupy(40 * PAGE);
    expect(() => {
      capacity.claim(20 * PAGE);
    }).toThrow(/holds 163840 of at most 204800 bytes/);
    capacity.claim(PAGE);
    expect(() => {
      capacity.claim(20 * PAGE);
    }).toThrow(TransportUnavailableError);
    expect(capacity.isFull).toBe(true);
    capacity.release(41 * PAGE);
    expect(capacity.isFull).toBe(false);
    expect(lines).toHaveLength(2);
  });

  it('should count a disk that does not take a write as full until it takes one', () => {
    capacity.wrote('the disk does not take a batch: no space left');
    expect(capacity.isFull).toBe(true);
    capacity.wrote();
    expect(capacity.isFull).toBe(false);
    expect(lines[0]).toContain('no space left');
  });
});
