import { Logger } from '@nestjs/common';
import { TransportUnavailableError } from '../event-transport.js';
import { SpoolRoom } from './spool.room.js';

const PAGE = 4096;

describe('SpoolRoom', () => {
  let free: number;
  let room: SpoolRoom;
  let lines: string[];

  beforeEach(() => {
    free = 100 * PAGE;
    lines = [];
    for (const level of ['log', 'error'] as const) {
      jest.spyOn(Logger.prototype, level).mockImplementation((...line: unknown[]) => {
        lines.push(String(line[0]));
      });
    }
    room = new SpoolRoom({ maxBytes: 50 * PAGE, minFreeBytes: 10 * PAGE }, () => free, 0);
  });
  afterEach(() => {
    room.close();
    jest.restoreAllMocks();
  });

  it('should tell how much may still come, by its limit and by its disk', () => {
    expect(room.freeBytes).toBe(50 * PAGE);
    room.claim(PAGE);
    expect(room.freeBytes).toBe(49 * PAGE);
    free = 12 * PAGE;
    expect(room.freeBytes).toBe(2 * PAGE);
    free = 5 * PAGE;
    expect(room.freeBytes).toBe(0);
  });

  it('should say once that its disk is full, before anything is spooled, and once that it is not any more', () => {
    free = 10 * PAGE;
    expect(room.isFull).toBe(true);
    for (let i = 0; i < 3; i++)
      expect(() => {
        room.claim(PAGE);
      }).toThrow(TransportUnavailableError);
    free = 100 * PAGE;
    expect(room.isFull).toBe(false);
    room.claim(PAGE);
    expect(lines).toEqual([
      expect.stringMatching(/takes no more batches.*disk has less than 40960 bytes left\. Make room/),
      expect.stringContaining('takes batches again'),
    ]);
  });

  it('should name its own limit where that is what was reached, and not change its mind with every size', () => {
    room.occupy(40 * PAGE);
    expect(() => {
      room.claim(20 * PAGE);
    }).toThrow(/holds 163840 of at most 204800 bytes/);
    room.claim(PAGE);
    expect(() => {
      room.claim(20 * PAGE);
    }).toThrow(TransportUnavailableError);
    expect(room.isFull).toBe(true);
    room.release(41 * PAGE);
    expect(room.isFull).toBe(false);
    expect(lines).toHaveLength(2);
  });

  it('should count a disk that does not take a write as full until it takes one', () => {
    room.wrote('the disk does not take a batch: no space left');
    expect(room.isFull).toBe(true);
    room.wrote();
    expect(room.isFull).toBe(false);
    expect(lines[0]).toContain('no space left');
  });
});
