import { redisMemory } from './redis.capacity.js';

describe('redisMemory', () => {
  it('should count what is used against maxmemory, without the buffers that Redis does not count', () => {
    const info =
      'used_memory:900\r\nused_memory_rss:2000\r\ntotal_system_memory:100000\r\nmaxmemory:1000\r\nmem_not_counted_for_evict:100\r\n';
    expect(redisMemory(info)).toEqual({ memoryRatio: 0.8, memoryBytes: 1000 });
  });

  it('should take the memory of the machine for the limit where there is no maxmemory', () => {
    expect(redisMemory('used_memory:25\r\ntotal_system_memory:100\r\nmaxmemory:0\r\n')).toEqual({
      memoryRatio: 0.25,
      memoryBytes: 100,
    });
  });

  it.each(['', '# Memory\r\nused_memory:25\r\n'])('should know nothing from %j', (info) => {
    expect(redisMemory(info)).toEqual({ memoryRatio: undefined, memoryBytes: undefined });
  });
});
